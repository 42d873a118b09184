use nalgebra::{Rotation3, Vector3};
use nalgrad::gradient;

#[gradient]
fn cost(attitude: &Rotation3<f64>, v: &Vector3<f64>) -> f64 {
    (attitude * v).x
}

fn main() {}
