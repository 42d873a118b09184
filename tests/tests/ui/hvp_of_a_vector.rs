use nalgebra::DVector;
use nalgrad::hvp;

#[hvp]
fn doubled(x: &DVector<f64>) -> DVector<f64> {
    x * 2.0
}

fn main() {}
