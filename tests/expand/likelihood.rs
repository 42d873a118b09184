//! Three vectors, entry by entry.

use nalgebra::DVector;
use nalgrad::gradient;

/// Minus the logarithm of the likelihood of independent measurements, but for a constant.
#[gradient(wrt(mean, sigma))]
pub fn likelihood(x: &DVector<f64>, mean: &DVector<f64>, sigma: &DVector<f64>) -> f64 {
    x.zip_zip_map(mean, sigma, |x, m, s| ((x - m) / s).powi(2) / 2.0 + s.ln())
        .sum()
}
