use nalgebra::Vector2;
use nalgrad::{differentiable, gradient};

#[differentiable]
fn turned(v: Vector2<f64>) -> Vector2<f64> {
    Vector2::new(-v.y, v.x)
}

#[gradient]
fn cost(v: Vector2<f64>) -> f64 {
    let w: Vector2<f64> = if v.x > 0.0 { turned(v) } else { turned(v * 2.0) };
    w.x
}

fn main() {}
