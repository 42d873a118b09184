// Two wrong names are two errors.

use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(wrt(weights, w, bias))]
fn cost(w: &DVector<f64>, b: f64) -> f64 {
    w.norm_squared() + b
}

fn main() {}
