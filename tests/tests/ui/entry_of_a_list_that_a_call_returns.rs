use nalgrad::{differentiable, gradient};

#[differentiable]
fn three(x: f64) -> [f64; 3] {
    [x, x * x, x.sin()]
}

#[gradient]
fn f(x: f64) -> f64 {
    let all = three(x);
    all[0] * all[1]
}

fn main() {}
