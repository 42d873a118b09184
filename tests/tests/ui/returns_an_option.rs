use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> Option<f64> {
    Some(w.norm_squared())
}

fn main() {}
