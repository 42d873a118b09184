use nalgebra::{Matrix3, Vector3};
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x.clone_owned();
    y.gemv(2.0, &Matrix3::identity(), x, 1.0);
    y.norm_squared()
}

fn main() {}
