//! A branch: Huber's loss.

use nalgrad::gradient;

/// Quadratic near zero, linear beyond `width`.
#[gradient(wrt(residual))]
pub fn huber(residual: f64, width: f64) -> f64 {
    let size = residual.abs();
    if size <= width {
        0.5 * residual * residual
    } else {
        width * (size - 0.5 * width)
    }
}
