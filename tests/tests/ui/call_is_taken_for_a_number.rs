use nalgebra::DVector;
use nalgrad::{differentiable, gradient};

#[differentiable]
fn doubled(x: &DVector<f64>) -> DVector<f64> {
    x * 2.0
}

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let y = doubled(x) * 3.0;
    x.dot(&y)
}

fn main() {}
