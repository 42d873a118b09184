use nalgrad::differentiable;

#[differentiable(vjp = |x| x)]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
