use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x * 2.0;
    y.apply(|entry| step(entry));
    y.norm()
}

fn step(entry: &mut f64) {
    *entry *= 2.0;
}

fn main() {}
