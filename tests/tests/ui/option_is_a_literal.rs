use nalgebra::DVector;
use nalgrad::gradient;

#[gradient("w")]
fn cost(w: &DVector<f64>, b: f64) -> f64 {
    w.norm_squared() + b
}

fn main() {}
