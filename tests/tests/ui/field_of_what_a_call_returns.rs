use nalgrad::{differentiable, gradient};

#[differentiable]
fn polar(x: f64, y: f64) -> (f64, f64) {
    (x.hypot(y), y.atan2(x))
}

#[gradient]
fn radius(x: f64, y: f64) -> f64 {
    polar(x, y).0
}

fn main() {}
