use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut last = None;
    for i in 0..3 {
        last = Some(x[i] * x[i]);
    }
    last.unwrap()
}

fn main() {}
