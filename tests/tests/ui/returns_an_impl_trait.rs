use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> impl Into<f64> {
    w.norm_squared()
}

fn main() {}
