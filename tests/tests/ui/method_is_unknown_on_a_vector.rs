use nalgebra::DVector;
use nalgrad::gradient;

trait Wobble {
    fn wobble(&self) -> f64;
}

impl Wobble for DVector<f64> {
    fn wobble(&self) -> f64 {
        self[0] * self[1]
    }
}

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    x.wobble() + x.sum()
}

fn main() {}
