use nalgebra::{UnitQuaternion, Vector3};
use nalgrad::jvp;

#[jvp]
fn f(v: &Vector3<f64>) -> UnitQuaternion<f64> {
    UnitQuaternion::new(*v)
}

fn main() {}
