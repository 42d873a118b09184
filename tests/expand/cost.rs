//! The example of the README, with all that is written.

use nalgebra::{DMatrix, DVector};
use nalgrad::gradient;

/// Mean squared error of one rectified linear unit.
#[gradient(wrt(w, b))]
pub fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    (y - activation).norm_squared() / y.len() as f64
}
