use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut y = x.clone();
    y.as_mut_slice()[0] = 1.0;
    y.sum()
}

fn main() {}
