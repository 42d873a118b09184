//! Matrices of 3 by 3 on the stack.

use nalgebra::Matrix3;
use nalgrad::gradient;

/// The energy of a neo-Hookean solid by its deformation; the gradient is the stress.
#[gradient(wrt(f))]
pub fn neo_hookean(f: &Matrix3<f64>, mu: f64, lambda: f64) -> f64 {
    let ln_j = f.determinant().ln();
    0.5 * mu * (f.tr_mul(f).trace() - 3.0) - mu * ln_j + 0.5 * lambda * ln_j.powi(2)
}
