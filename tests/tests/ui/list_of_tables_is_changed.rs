use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut cube = [[[0.0; 2]; 2]; 2];
    cube[0][1][0] = x[0] * x[1];
    cube[0][1][0] * x[2]
}

fn main() {}
