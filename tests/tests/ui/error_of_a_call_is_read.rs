use nalgrad::{differentiable, gradient};

#[differentiable]
fn logarithm(x: f64) -> Result<f64, String> {
    if x <= 0.0 {
        return Err(format!("no logarithm of {x}"));
    }
    Ok(x.ln())
}

#[gradient]
fn matched(x: f64) -> f64 {
    match logarithm(x) {
        Ok(l) => l * x,
        Err(e) => x * e.len() as f64,
    }
}

#[gradient]
fn called(x: f64) -> f64 {
    logarithm(x).unwrap_or_else(|e| e.len() as f64) * x
}

#[gradient]
fn unwrapped(x: f64) -> f64 {
    logarithm(x).map(|l| l * x).unwrap()
}

fn main() {}
