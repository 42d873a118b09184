use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn f(x: &Vector3<f64>) -> f64 {
    x.map(|t| t * x.argmax().1).sum()
}

fn main() {}
