use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn g(xs: &[Vector3<f64>]) -> f64 {
    xs[0..2][0].norm()
}

fn main() {}
