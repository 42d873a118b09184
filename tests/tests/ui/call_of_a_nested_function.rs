use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    fn square(x: f64) -> f64 {
        x * x
    }
    square(x) + 1.0
}

fn main() {}
