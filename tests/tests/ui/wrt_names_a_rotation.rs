use nalgebra::Rotation3;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: &Rotation3<f64>, scale: f64) -> f64 {
    scale * x.angle()
}

fn main() {}
