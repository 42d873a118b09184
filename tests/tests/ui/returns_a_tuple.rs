use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> (f64, f64) {
    (w[0], w[1])
}

fn main() {}
