use nalgrad::{differentiable, gradient};

#[gradient(wrt(c))]
#[differentiable]
fn inner(c: &[f64]) -> f64 {
    c[0] * c[1]
}

#[gradient]
fn outer(c: &[f64]) -> f64 {
    let g: Vec<f64> = inner_gradient(c);
    g[0]
}

fn main() {}
