use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = vec![1.0; 3];
    *list.first_mut().unwrap() = x[0] * x[1];
    list[0] * x[2]
}

fn main() {}
