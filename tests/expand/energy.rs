//! A loop that adds up: vectors of an iteration in buffers, and a product taken once.

use nalgebra::{DMatrix, DVector};
use nalgrad::gradient;

/// Half of the sum of ‖A (x − m)‖² over the columns x.
#[gradient(wrt(m))]
pub fn energy(a: &DMatrix<f64>, m: &DVector<f64>, x: &DMatrix<f64>) -> f64 {
    let mut total = 0.0;
    for i in 0..x.ncols() {
        let y = a * (x.column(i) - m);
        total += 0.5 * y.norm_squared();
    }
    total
}
