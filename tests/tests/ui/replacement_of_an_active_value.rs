use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut a = x[0];
    let b = std::mem::replace(&mut a, x[1]);
    a.sin() + b
}

fn main() {}
