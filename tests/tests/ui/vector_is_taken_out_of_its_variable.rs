use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x * 2.0;
    let old = std::mem::take(&mut y);
    old.norm() + y[0]
}

fn main() {}
