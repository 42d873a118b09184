use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut sum = 0.0;
    x.iter().for_each(|v| sum += v * v);
    sum * x[0]
}

fn main() {}
