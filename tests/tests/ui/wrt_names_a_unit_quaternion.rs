use nalgebra::UnitQuaternion;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: &UnitQuaternion<f64>, scale: f64) -> f64 {
    scale * x.angle()
}

fn main() {}
