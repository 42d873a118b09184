use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>, y: &Vector3<f32>) -> f64 {
    x.x * f64::from(y.x)
}

fn main() {}
