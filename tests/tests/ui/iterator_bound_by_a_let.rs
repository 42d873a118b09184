use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let entries = x.iter();
    entries.fold(0.0, |sum, entry| sum + entry * entry)
}

fn main() {}
