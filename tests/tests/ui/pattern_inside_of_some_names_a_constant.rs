use nalgrad::gradient;

const LIMIT: f64 = 1.0;

#[gradient]
fn cost(x: f64) -> f64 {
    let root = if x > 0.0 { Some(x.sqrt()) } else { None };
    match root {
        Some(LIMIT..) => x,
        _ => x * x,
    }
}

fn main() {}
