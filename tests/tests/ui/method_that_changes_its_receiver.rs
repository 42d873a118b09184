use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut y = x.clone();
    y.fill(1.0);
    y.dot(x)
}

fn main() {}
