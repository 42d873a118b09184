use nalgebra::DVector;
use nalgrad::{differentiable, vjp};

#[differentiable(wrt(x))]
fn weighted(x: &DVector<f64>, weights: &DVector<f64>) -> f64 {
    x.dot(weights)
}

#[vjp(wrt(x))]
fn cost(x: &DVector<f64>, n: usize) -> f64 {
    let weights = DVector::from_element(n, 2.0);
    weighted(x, &weights)
}

fn main() {}
