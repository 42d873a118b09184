use nalgrad::{differentiable, gradient};

#[differentiable]
fn field(x: f64) -> f64 {
    x.sin() * x
}

#[differentiable(order = 3)]
#[gradient]
fn power(x: f64) -> f64 {
    field(x) * x
}

fn main() {}
