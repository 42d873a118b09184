use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut y = DVector::from_element(3, 1.0);
    y += x;
    y.norm_squared()
}

fn main() {}
