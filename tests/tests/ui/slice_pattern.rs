use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let [a, .., b] = [x[0], x[1], x[2]];
    a * b
}

fn main() {}
