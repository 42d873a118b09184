use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = Vec::new();
    for i in 0..3 {
        list.push(x[i] * x[i]);
        println!("{list:?}");
    }
    list[0]
}

fn main() {}
