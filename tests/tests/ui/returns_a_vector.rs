use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> DVector<f64> {
    w * 2.0
}

fn main() {}
