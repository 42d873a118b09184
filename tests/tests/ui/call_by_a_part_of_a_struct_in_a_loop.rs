use nalgrad::{Differentiable, differentiable, gradient};

#[derive(Differentiable)]
struct Line {
    part: Part,
}

#[derive(Differentiable)]
struct Part {
    slope: f64,
}

#[differentiable(wrt(part))]
fn slope(part: &Part) -> f64 {
    part.slope * part.slope
}

#[gradient(wrt(line))]
fn f(line: &Line) -> f64 {
    let mut sum = 0.0;
    for _ in 0..3 {
        let part = &line.part;
        sum += slope(part);
    }
    sum
}

fn main() {}
