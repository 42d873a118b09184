use nalgebra::{DMatrix, DVector};
use nalgrad::{Differentiable, gradient};

#[derive(Differentiable)]
struct Layer {
    w: DMatrix<f64>,
}

#[gradient(wrt(layer))]
fn f(layer: &Layer, x: DVector<f64>) -> f64 {
    (layer.w.clone() * x).norm()
}

fn main() {}
