use nalgrad::{differentiable, gradient};

#[differentiable]
fn root(x: f64) -> Option<f64> {
    if x < 0.0 {
        return None;
    }
    Some(x.sqrt())
}

/// It is not left where `y` is negative.
#[gradient]
fn left(x: f64, y: f64) -> Option<f64> {
    let r = root(x);
    if y > 0.0 {
        let r = r?;
        Some(r * y)
    } else {
        Some(y)
    }
}

/// It does not panic there.
#[gradient]
fn panics(x: f64, y: f64) -> f64 {
    let r = root(x);
    let z = if y > 0.0 { r.unwrap() } else { y };
    z * 2.0
}

fn main() {}
