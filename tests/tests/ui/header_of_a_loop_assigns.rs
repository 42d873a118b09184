use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut a = 0.0;
    for i in 0..({ a += x[1]; 2 }) {
        a += x[i];
    }
    a
}

fn main() {}
