use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    x.as_slice().iter().product()
}

fn main() {}
