use nalgebra::{Matrix3, Quaternion, Rotation3, UnitQuaternion, Vector3, Vector4};
use nalgrad::gradient;

#[gradient]
fn f(m: &Matrix3<f64>) -> f64 {
    let r = Rotation3::from_matrix_unchecked(*m);
    (r * Vector3::new(1.0, 2.0, 3.0)).norm() + r.angle()
}

#[gradient]
fn g(q: &Vector4<f64>) -> f64 {
    let q = UnitQuaternion::new_unchecked(Quaternion::from(*q));
    let other = Rotation3::new(q * Vector3::new(1.0, 2.0, 3.0));
    other.rotation_to(&q.to_rotation_matrix()).scaled_axis().norm()
}

fn main() {}
