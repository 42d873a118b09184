use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut sum = 0.0;
    let mut add = |v: f64| sum += v;
    add(x[0] * x[0]);
    sum
}

fn main() {}
