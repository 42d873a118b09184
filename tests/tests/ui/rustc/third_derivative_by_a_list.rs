use nalgrad::{differentiable, gradient, hessian};

#[differentiable(order = 3)]
fn field(x: &[f64]) -> f64 {
    x[0] * x[1] * x[1] * x[1]
}

#[differentiable(order = 3)]
#[gradient]
fn power(x: f64) -> f64 {
    field(&[x, x * x])
}

#[hessian]
fn change(x: f64) -> f64 {
    power_gradient(x) * x
}

fn main() {}
