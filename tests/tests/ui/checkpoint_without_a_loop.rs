//! Nothing to checkpoint.

use nalgrad::gradient;

#[gradient(checkpoint)]
fn total(x: &[f64]) -> f64 {
    let mut total = 0.0;
    for x in x {
        total += x * x;
    }
    total
}

#[gradient(checkpoint = 10)]
fn halved(x: f64) -> f64 {
    let mut x = x;
    while x > 1.0 {
        x = x.sqrt() / 2.0;
    }
    x
}

fn main() {}
