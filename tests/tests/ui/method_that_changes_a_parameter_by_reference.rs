use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: f64, out: &mut DVector<f64>) -> f64 {
    out.fill(x);
    x.sin()
}

fn main() {}
