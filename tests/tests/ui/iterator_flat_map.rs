use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    x.iter().flat_map(|v| [*v, v * v]).sum::<f64>()
}

fn main() {}
