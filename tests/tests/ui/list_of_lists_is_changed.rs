use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut table = [[0.0; 2]; 2];
    table[0][1] = x[0] * x[1];
    table[0][1] * x[2]
}

fn main() {}
