use nalgrad::differentiable;

#[differentiable(vjp = square_rule)]
fn square(x: f64) -> f64 {
    x * x
}

fn square_rule(x: f64) -> (f64, f64) {
    (x * x, 2.0 * x)
}

fn main() {}
