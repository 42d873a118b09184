use nalgrad::differentiable;

#[differentiable(module = maybe)]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
