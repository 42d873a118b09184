use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: &mut DVector<f64>, scale: f64) -> f64 {
    scale * x.norm_squared()
}

fn main() {}
