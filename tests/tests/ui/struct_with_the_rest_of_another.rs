use nalgebra::Vector3;
use nalgrad::gradient;

#[derive(Clone, Copy)]
struct Parts {
    a: f64,
    b: f64,
}

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let known = Parts { a: 1.0, b: 2.0 };
    let parts = Parts { a: x[0], ..known };
    parts.a * parts.b
}

fn main() {}
