use nalgebra::Vector3;
use nalgrad::gradient;

fn weights() -> Vec<f64> {
    println!("made");
    vec![0.5, 1.5]
}

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = Vec::new();
    for weight in weights().iter() {
        list.push(x[0] * weight);
    }
    list[0] * list[1]
}

fn main() {}
