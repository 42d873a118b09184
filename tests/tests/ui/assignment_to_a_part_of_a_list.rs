use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = vec![0.0; 4];
    list[1..4].copy_from_slice(x.as_slice());
    list[1] * list[2]
}

fn main() {}
