use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = vec![x[0], x[1], x[2]];
    list.sort_by(|a, b| a.partial_cmp(b).unwrap());
    list[0] * list[1]
}

fn main() {}
