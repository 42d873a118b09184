use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x[0];
    let ref mut slot = y;
    *slot = x[1] * x[1];
    y
}

fn main() {}
