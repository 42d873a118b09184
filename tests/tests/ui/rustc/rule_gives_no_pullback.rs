use nalgrad::{differentiable, gradient};

#[differentiable(jvp = square_rule)]
fn square(x: f64) -> f64 {
    x * x
}

fn square_rule(x: f64, dx: f64) -> (f64, f64) {
    (x * x, 2.0 * x * dx)
}

#[gradient]
fn cost(x: f64) -> f64 {
    square(x) * x
}

fn main() {}
