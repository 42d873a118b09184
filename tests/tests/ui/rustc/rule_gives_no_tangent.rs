use nalgrad::{differentiable, jvp};

#[differentiable(vjp = square_rule)]
fn square(x: f64) -> f64 {
    x * x
}

fn square_rule(x: f64) -> (f64, impl Fn(f64) -> f64) {
    (x * x, move |y_bar| 2.0 * x * y_bar)
}

#[jvp]
fn cost(x: f64) -> f64 {
    square(x) * x
}

fn main() {}
