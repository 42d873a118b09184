use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    x.iter().filter_map(|v| (*v > 0.0).then(|| v * v)).sum::<f64>()
}

fn main() {}
