use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut points = Vec::new();
    for i in 0..3 {
        points.push(x * x[i]);
    }
    points[0].dot(&points[1])
}

fn main() {}
