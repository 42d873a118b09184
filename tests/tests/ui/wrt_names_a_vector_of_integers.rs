use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: &Vector3<i32>, scale: f64) -> f64 {
    scale * f64::from(x.sum())
}

fn main() {}
