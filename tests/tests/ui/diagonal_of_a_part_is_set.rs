use nalgebra::{Matrix3, Vector3};
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut m = Matrix3::zeros();
    m.fixed_view_mut::<2, 2>(0, 0).fill_diagonal(x[0]);
    m.norm()
}

fn main() {}
