use nalgebra::{DMatrix, DVector};
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> DMatrix<f64> {
    w * w.transpose()
}

fn main() {}
