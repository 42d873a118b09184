use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = vec![1.0, 2.0];
    let mut y = x[0];
    while let Some(factor) = list.pop() {
        y *= factor;
    }
    y
}

fn main() {}
