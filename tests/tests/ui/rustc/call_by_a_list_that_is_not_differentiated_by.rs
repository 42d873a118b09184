use nalgrad::{differentiable, gradient};

#[differentiable(wrt(x))]
fn poly(c: &[f64], x: f64) -> f64 {
    c[0] + c[1] * x
}

#[gradient]
fn f(c: &[f64], x: f64) -> f64 {
    poly(c, x)
}

fn main() {}
