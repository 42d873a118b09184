use nalgebra::{LpNorm, Vector3};
use nalgrad::gradient;

#[gradient]
fn f(x: &Vector3<f64>) -> f64 {
    x.apply_norm(&LpNorm(3))
}

fn main() {}
