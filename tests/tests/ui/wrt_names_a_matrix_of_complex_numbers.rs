use nalgebra::{Complex, Matrix2};
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: &Matrix2<Complex<f64>>, scale: f64) -> f64 {
    scale * x.trace().re
}

fn main() {}
