use nalgebra::{Matrix2x3, RowVector3};
use nalgrad::gradient;

#[gradient]
fn f(x: &RowVector3<f64>, twice: bool) -> f64 {
    Matrix2x3::from_rows(&if twice { [*x, x * 2.0] } else { [*x, *x] }).norm()
}

fn main() {}
