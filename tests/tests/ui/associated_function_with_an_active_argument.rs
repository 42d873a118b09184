use nalgrad::gradient;

struct Spring;

impl Spring {
    fn force(x: f64) -> f64 {
        -2.0 * x
    }

    #[gradient]
    fn power(x: f64, speed: f64) -> f64 {
        Self::force(x) * speed
    }
}

fn main() {}
