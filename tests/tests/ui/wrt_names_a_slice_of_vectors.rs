use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient(wrt(points))]
fn cost(points: &[Vector3<f64>]) -> f64 {
    points[0].norm_squared()
}

fn main() {}
