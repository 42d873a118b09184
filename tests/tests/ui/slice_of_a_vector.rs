use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let entries = x.as_slice();
    entries[0] * entries[1]
}

fn main() {}
