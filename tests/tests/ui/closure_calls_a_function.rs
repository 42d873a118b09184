use nalgebra::DVector;
use nalgrad::gradient;

fn square(x: f64) -> f64 {
    x * x
}

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    x.map(|entry| 2.0 * square(entry)).sum()
}

fn main() {}
