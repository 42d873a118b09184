use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let entries = x.as_slice();
    entries.iter().sum::<f64>() + entries[0]
}

fn main() {}
