//! P83: the logarithm of a determinant.

use nalgebra::{DMatrix, Matrix3};
use nalgrad::gradient;

#[gradient]
pub fn p83(x: &DMatrix<f64>) -> f64 {
    x.determinant().ln()
}

#[gradient]
pub fn p83_steps(m: &DMatrix<f64>) -> f64 {
    let volume = m.determinant();
    f64::ln(volume)
}

#[gradient]
pub fn p83_lu(x: &DMatrix<f64>) -> f64 {
    x.clone().lu().determinant().ln()
}

#[gradient]
pub fn p83_static(x: &Matrix3<f64>) -> f64 {
    x.determinant().ln()
}
