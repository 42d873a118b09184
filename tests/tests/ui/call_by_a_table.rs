use nalgebra::Vector3;
use nalgrad::{differentiable, gradient};

#[differentiable]
fn first(points: &[Vector3<f64>]) -> f64 {
    points[0].norm_squared()
}

#[gradient]
fn f(x: f64) -> f64 {
    let mut points = vec![Vector3::zeros(); 3];
    for i in 0..3 {
        points[i] = Vector3::new(x, x * x, 1.0);
    }
    first(&points)
}

fn main() {}
