use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = Vec::new();
    let mut k = 1;
    for i in 0..3 {
        for j in 0..k {
            list.push(x[i] * x[j]);
        }
        k = 3 - i;
    }
    list.iter().sum()
}

fn main() {}
