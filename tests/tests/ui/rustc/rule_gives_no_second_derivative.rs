use nalgrad::{differentiable, hvp};

#[differentiable(vjp = square_vjp, jvp = square_jvp)]
fn square(x: f64) -> f64 {
    x * x
}

fn square_vjp(x: f64) -> (f64, impl Fn(f64) -> f64) {
    (x * x, move |y_bar| 2.0 * x * y_bar)
}

fn square_jvp(x: f64, dx: f64) -> (f64, f64) {
    (x * x, 2.0 * x * dx)
}

#[hvp]
fn cost(x: f64) -> f64 {
    square(x) * x
}

fn main() {}
