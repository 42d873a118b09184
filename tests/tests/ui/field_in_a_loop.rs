//! What is not read in loops yet: fields.

use nalgrad::gradient;

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
