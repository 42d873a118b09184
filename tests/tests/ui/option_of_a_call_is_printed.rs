use nalgrad::{differentiable, gradient};

#[differentiable]
fn root(x: f64) -> Option<f64> {
    if x < 0.0 {
        return None;
    }
    Some(x.sqrt())
}

#[gradient]
fn before(x: f64) -> f64 {
    let r = root(x);
    println!("{r:?}");
    r.unwrap_or(0.0) * x
}

#[gradient]
fn after(x: f64) -> f64 {
    let r = root(x);
    let y = r.unwrap_or(0.0) * x;
    println!("{r:?}");
    y
}

fn main() {}
