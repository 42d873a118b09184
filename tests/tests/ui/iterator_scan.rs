use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let steps = x.iter().scan(1.0, |product, v| {
        *product *= v;
        Some(*product)
    });
    steps.sum::<f64>()
}

fn main() {}
