use nalgrad::differentiable;

#[differentiable(order = 3, vjp = square_rule)]
fn square(x: f64) -> f64 {
    x * x
}

fn square_rule(x: f64) -> (f64, impl Fn(f64) -> f64) {
    (x * x, move |y_bar: f64| 2.0 * x * y_bar)
}

fn main() {}
