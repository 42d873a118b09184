use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(aux)]
fn cost(x: &DVector<f64>) -> f64 {
    x.norm_squared()
}

fn main() {}
