use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(crate = calculus)]
fn cost(x: &DVector<f64>) -> f64 {
    x.norm_squared()
}

fn main() {}
