use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let map = std::collections::HashMap::from([(0, x[0])]);
    let mut sum = 0.0;
    for value in map.values() {
        sum += value * x[1];
    }
    sum
}

fn main() {}
