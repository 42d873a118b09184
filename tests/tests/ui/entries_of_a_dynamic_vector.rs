use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn f(x: &DVector<f64>) -> f64 {
    x.push(1.0).norm()
}

fn main() {}
