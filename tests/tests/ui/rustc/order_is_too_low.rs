use nalgrad::{differentiable, gradient, hessian};

#[differentiable]
fn field(x: f64) -> f64 {
    x.sin() * x
}

#[differentiable]
#[gradient]
fn power(x: f64) -> f64 {
    field(x) * x
}

#[hessian]
fn change(x: f64) -> f64 {
    power_gradient(x) * x
}

fn main() {}
