use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut sum = 0.0;
    for v in x.iter().peekable() {
        sum += v * v;
    }
    sum
}

fn main() {}
