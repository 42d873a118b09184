use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> usize {
    w.imax()
}

fn main() {}
