use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    x.iter().map(|entry| entry * entry).sum::<f64>()
}

fn main() {}
