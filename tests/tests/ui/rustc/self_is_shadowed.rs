use nalgrad::gradient;

struct Spring;

impl Spring {
    #[gradient]
    fn energy(&self, x: f64) -> f64 {
        let self = x;
        self * self
    }
}

fn main() {}
