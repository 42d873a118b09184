use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = vec![x[0], x[1]];
    for i in 0..list.len() {
        list.push(list[i] * x[2]);
    }
    list[2] * list[3]
}

fn main() {}
