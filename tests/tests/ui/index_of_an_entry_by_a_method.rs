use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn f(x: &DVector<f64>) -> f64 {
    DVector::from_fn(x.len(), |i, _| x[i.min(2)]).norm()
}

fn main() {}
