use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> bool {
    w[0] > 0.0
}

fn main() {}
