use nalgrad::{differentiable, gradient};

#[differentiable]
fn root(x: f64) -> Option<f64> {
    if x < 0.0 {
        return None;
    }
    Some(x.sqrt())
}

#[gradient]
fn f(x: f64) -> f64 {
    root(x).unwrap_or(0.0) * x
}

fn main() {}
