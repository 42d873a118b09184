use nalgebra::{UnitQuaternion, Vector3};
use nalgrad::gradient;

#[gradient]
fn f(v: &Vector3<f64>) -> f64 {
    let mut q = UnitQuaternion::new(*v);
    q = q * q;
    q.w
}

fn main() {}
