use nalgebra::{Matrix2, Vector3};
use nalgrad::gradient;

#[gradient]
fn f(x: &Vector3<f64>) -> f64 {
    Matrix2::from_column_slice(x.as_slice()).norm()
}

fn main() {}
