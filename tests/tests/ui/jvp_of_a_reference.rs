use nalgebra::DVector;
use nalgrad::jvp;

#[jvp]
fn itself(x: &DVector<f64>) -> &DVector<f64> {
    x
}

fn main() {}
