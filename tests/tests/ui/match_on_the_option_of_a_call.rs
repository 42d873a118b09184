use nalgrad::{differentiable, gradient};

#[differentiable]
fn root(x: f64) -> Option<f64> {
    Some(x.sqrt())
}

#[gradient]
fn cost(x: f64) -> f64 {
    match root(x) {
        Some(y) => y,
        None => 0.0,
    }
}

fn main() {}
