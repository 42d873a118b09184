use nalgrad::{differentiable, gradient};

#[differentiable(wrt(x))]
fn scaled(x: f64, factor: f64) -> f64 {
    x * factor
}

#[gradient]
fn cost(x: f64, y: f64) -> f64 {
    scaled(x, y)
}

fn main() {}
