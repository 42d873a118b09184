//! Views, an inert assertion and an inert number.

use nalgebra::DVector;
use nalgrad::gradient;

/// The mean square of the differences between neighbours.
#[gradient]
pub fn roughness(heights: &DVector<f64>) -> f64 {
    assert!(heights.len() > 1, "nothing to compare");
    let n = heights.len() - 1;
    let steps = heights.rows(1, n) - heights.rows(0, n);
    steps.norm_squared() / n as f64
}
