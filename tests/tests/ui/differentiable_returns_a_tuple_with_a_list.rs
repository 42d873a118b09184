use nalgrad::differentiable;

#[differentiable]
fn f(x: f64) -> (f64, [f64; 2]) {
    (x, [x.sin(), x.cos()])
}

fn main() {}
