use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(crate = 3)]
fn cost(w: &DVector<f64>, b: f64) -> f64 {
    w.norm_squared() + b
}

fn main() {}
