use nalgebra::Vector3;
use nalgrad::{differentiable, jacobian};

#[differentiable]
fn twice(v: &Vector3<f64>) -> Vector3<f64> {
    v * 2.0
}

#[jacobian]
fn f(x: &Vector3<f64>) -> Vector3<f64> {
    twice(x) * 2.0
}

fn main() {}
