use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x[0];
    assert!({
        y *= x[1];
        true
    });
    y
}

fn main() {}
