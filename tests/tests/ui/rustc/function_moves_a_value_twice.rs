use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: DVector<f64>) -> f64 {
    let y = x;
    let z = x;
    y.dot(&z)
}

fn main() {}
