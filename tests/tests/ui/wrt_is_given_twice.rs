use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(wrt(w), wrt(b))]
fn cost(w: &DVector<f64>, b: f64) -> f64 {
    w.norm_squared() + b
}

fn main() {}
