use nalgebra::{UnitQuaternion, Vector3};
use nalgrad::gradient;

struct Camera {
    axis: Vector3<f64>,
}

#[gradient(wrt(v))]
fn f(v: &Vector3<f64>, camera: &Camera) -> f64 {
    (UnitQuaternion::new(*v) * camera.axis).x
}

fn main() {}
