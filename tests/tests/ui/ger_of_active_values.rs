use nalgebra::{Matrix3, Vector3};
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut m = Matrix3::zeros();
    m.ger(2.0, x, x, 1.0);
    m.norm_squared()
}

fn main() {}
