use nalgebra::{Complex, DVector};
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> Complex<f64> {
    Complex::new(w[0], w[1])
}

fn main() {}
