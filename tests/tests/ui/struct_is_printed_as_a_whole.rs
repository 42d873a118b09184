use nalgebra::Vector3;
use nalgrad::gradient;

#[derive(Debug)]
struct Parts {
    a: f64,
    b: f64,
}

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let parts = Parts { a: x[0] * x[1], b: x[2] };
    println!("{parts:?}");
    parts.a * parts.b
}

fn main() {}
