//! A Cholesky factorisation that is used twice.

use nalgebra::{DMatrix, DVector};
use nalgrad::gradient;

/// The logarithm of a normal density, but for a constant.
#[gradient(wrt(mean, covariance))]
pub fn gaussian(x: &DVector<f64>, mean: &DVector<f64>, covariance: &DMatrix<f64>) -> f64 {
    let factor = covariance
        .clone()
        .cholesky()
        .expect("a covariance is positive definite");
    let centred = x - mean;
    -0.5 * (centred.dot(&factor.solve(&centred)) + factor.ln_determinant())
}
