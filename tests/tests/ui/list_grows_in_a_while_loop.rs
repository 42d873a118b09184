use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = Vec::new();
    let mut i = 0;
    while i < 3 {
        list.push(x[i] * x[i]);
        i += 1;
    }
    list[0]
}

fn main() {}
