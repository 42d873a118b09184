use nalgrad::{Differentiable, differentiable};

#[derive(Differentiable)]
struct Line {
    slope: f64,
}

#[differentiable(wrt(line))]
fn f(line: &Line) -> f64 {
    line.slope * line.slope
}

fn main() {}
