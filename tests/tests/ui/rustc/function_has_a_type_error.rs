// The product of two columns has no meaning: rustc says so.

use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>, y: &DVector<f64>) -> f64 {
    x * y
}

fn main() {}
