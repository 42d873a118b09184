use nalgrad::{differentiable, hvp};

#[differentiable(order = 1)]
fn square(x: f64) -> f64 {
    x * x
}

#[hvp]
fn cost(x: f64) -> f64 {
    square(x) * x
}

fn main() {}
