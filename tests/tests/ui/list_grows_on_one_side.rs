use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = vec![x[0]];
    if x[1] > 0.0 {
        list.push(x[1]);
    }
    list.iter().sum()
}

fn main() {}
