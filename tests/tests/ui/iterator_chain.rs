// Not every chain is a sum of what it gives at each place.

use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    x.iter().filter(|v| **v > 0.0).map(|v| v * v).sum()
}

fn main() {}
