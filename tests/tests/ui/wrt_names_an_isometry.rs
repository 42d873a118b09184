use nalgebra::Isometry3;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: &Isometry3<f64>, scale: f64) -> f64 {
    scale * x.translation.vector.norm()
}

fn main() {}
