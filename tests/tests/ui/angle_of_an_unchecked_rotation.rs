use nalgebra::{Matrix3, Rotation3, Vector3};
use nalgrad::gradient;

#[gradient]
fn f(m: &Matrix3<f64>) -> f64 {
    let r = Rotation3::from_matrix_unchecked(*m);
    (r * Vector3::new(1.0, 2.0, 3.0)).norm() + r.angle()
}

fn main() {}
