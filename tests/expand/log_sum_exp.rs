//! Any real number and any length.

use nalgebra::{RealField, SVector};
use nalgrad::gradient;

/// The logarithm of Σ exp(xᵢ), safe for large entries; the gradient is the softmax.
#[gradient]
pub fn log_sum_exp<T: RealField + Copy, const N: usize>(x: &SVector<T, N>) -> T {
    let top = x.max();
    x.map(|v| (v - top).exp()).sum().ln() + top
}
