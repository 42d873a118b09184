use nalgebra::{Vector2, Vector3};
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>, y: &Vector2<f64>) -> f64 {
    x.dot(y)
}

fn main() {}
