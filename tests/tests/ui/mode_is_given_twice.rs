use nalgebra::DVector;
use nalgrad::jacobian;

#[jacobian(mode = forward, mode = reverse)]
fn doubled(x: &DVector<f64>) -> DVector<f64> {
    x * 2.0
}

fn main() {}
