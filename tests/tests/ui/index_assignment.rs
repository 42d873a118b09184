use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut y = DVector::zeros(2);
    y[0] = x[1];
    y[1] = x[0];
    y.norm_squared()
}

fn main() {}
