use nalgrad::differentiable;

#[differentiable(order = 5)]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
