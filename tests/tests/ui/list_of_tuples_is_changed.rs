use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut list = vec![(1.0, 2.0); 2];
    list[0].1 = x[0];
    list[0].1 * x[1]
}

fn main() {}
