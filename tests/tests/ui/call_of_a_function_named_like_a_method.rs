// It need not do what the method of this name does.

use nalgrad::gradient;

fn sqrt(x: f64) -> f64 {
    x * x
}

#[gradient]
fn cost(x: f64) -> f64 {
    sqrt(x)
}

fn main() {}
