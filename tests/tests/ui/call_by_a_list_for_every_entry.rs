use nalgebra::Vector3;
use nalgrad::{differentiable, gradient};

#[differentiable]
fn poly(c: &[f64], x: f64) -> f64 {
    c[0] + c[1] * x
}

#[gradient]
fn f(c: &[f64], x: &Vector3<f64>) -> f64 {
    x.map(|x| poly(c, x)).sum()
}

fn main() {}
