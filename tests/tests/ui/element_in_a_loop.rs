//! What is not read in loops yet: matrices of sizes of their own, and fields.

use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn f(xs: &[DVector<f64>]) -> f64 {
    let mut s = 0.0;
    for i in 0..xs.len() {
        s += xs[i].norm_squared();
    }
    s
}

#[derive(nalgrad::Differentiable)]
struct Rates {
    rate: f64,
}

#[gradient(wrt(p))]
fn h(p: &Rates, n: usize) -> f64 {
    let mut s = 1.0;
    for _ in 0..n {
        s = (s * p.rate).sin();
    }
    s
}

fn main() {}
