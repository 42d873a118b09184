use nalgebra::{UnitQuaternion, Vector3};
use nalgrad::gradient;

#[gradient(wrt(v))]
fn f(v: &Vector3<f64>, other: &UnitQuaternion<f64>) -> f64 {
    UnitQuaternion::new(*v).slerp(other, 0.5).w
}

fn main() {}
