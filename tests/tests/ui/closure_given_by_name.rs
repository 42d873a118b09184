// `f64::sin` is known; `square` is not.

use nalgebra::DVector;
use nalgrad::gradient;

fn square(x: f64) -> f64 {
    x * x
}

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    x.map(f64::sin).sum() + x.map(square).sum()
}

fn main() {}
