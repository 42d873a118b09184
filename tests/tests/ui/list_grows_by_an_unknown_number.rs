use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = Vec::new();
    for i in 0..3 {
        for j in 0..i {
            list.push(x[i] * x[j]);
        }
    }
    list.iter().sum()
}

fn main() {}
