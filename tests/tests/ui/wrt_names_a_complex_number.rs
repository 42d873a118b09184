use nalgebra::Complex;
use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: Complex<f64>, scale: f64) -> f64 {
    scale * x.re
}

fn main() {}
