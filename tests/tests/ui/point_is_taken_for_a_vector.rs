use nalgebra::{Point3, Vector3};
use nalgrad::{gradient, stop_gradient};

#[gradient]
fn f(x: &Vector3<f64>) -> f64 {
    let p = Point3::from(*x);
    let fixed = stop_gradient(p);
    (p - fixed).norm()
}

fn main() {}
