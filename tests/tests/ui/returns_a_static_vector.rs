use nalgebra::{DVector, Vector2};
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> Vector2<f64> {
    Vector2::new(w[0], w[1])
}

fn main() {}
