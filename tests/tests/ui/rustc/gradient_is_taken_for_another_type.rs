// The gradient is a tuple of a vector and a scalar.

use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>, y: f64) -> f64 {
    x.norm_squared() * y
}

fn caller() -> Vector3<f64> {
    cost_gradient(&Vector3::zeros(), 1.0)
}

fn main() {}
