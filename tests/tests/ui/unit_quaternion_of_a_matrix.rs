use nalgebra::{Rotation3, UnitQuaternion, Vector3};
use nalgrad::gradient;

#[gradient]
fn f(v: &Vector3<f64>) -> f64 {
    UnitQuaternion::from_rotation_matrix(&Rotation3::new(*v)).w
}

fn main() {}
