use nalgebra::{Isometry3, Point3, Vector3};
use nalgrad::gradient;

#[gradient]
fn of_points(x: &Vector3<f64>, points: &[Vector3<f64>]) -> f64 {
    let pose = Isometry3::new(*x, *x);
    let moved: Vec<Point3<f64>> = points.iter().map(|p| pose * Point3::from(*p)).collect();
    moved[0].coords.norm()
}

fn main() {}
