use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn f(x: &DVector<f64>) -> f64 {
    DVector::from_fn(x.len(), |i, _| if i > 0 { x[i] - x[i - 1] } else { x[i] }).norm()
}

fn main() {}
