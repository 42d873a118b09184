use nalgebra::DVector;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn f(x: &DVector<f64>, w: &[f64]) -> f64 {
    DVector::from_fn(x.len(), |i, _| w[i] * x[i]).norm()
}

fn main() {}
