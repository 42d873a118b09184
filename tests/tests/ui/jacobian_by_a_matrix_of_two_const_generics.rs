use nalgebra::{SMatrix, SVector};
use nalgrad::jacobian;

#[jacobian]
fn product<const R: usize, const C: usize>(
    a: &SMatrix<f64, R, C>,
    x: &SVector<f64, C>,
) -> SVector<f64, R> {
    a * x
}

fn main() {}
