use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(crate = "not a path")]
fn cost(w: &DVector<f64>, b: f64) -> f64 {
    w.norm_squared() + b
}

fn main() {}
