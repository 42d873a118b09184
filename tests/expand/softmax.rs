//! A layer with a softmax, a sample a column.

use nalgebra::DMatrix;
use nalgrad::gradient;

/// The sum of the cross-entropies of a batch.
#[gradient(wrt(w))]
pub fn softmax(w: &DMatrix<f64>, x: &DMatrix<f64>, labels: &DMatrix<f64>) -> f64 {
    let logits = w * x;
    logits.map(|z| z.exp()).row_sum().map(|s| s.ln()).sum() - logits.dot(labels)
}
