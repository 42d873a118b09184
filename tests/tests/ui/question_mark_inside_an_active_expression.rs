use nalgrad::gradient;

fn scale() -> Option<f64> {
    Some(2.0)
}

#[gradient]
fn cost(x: f64) -> Option<f64> {
    Some(x * scale()? + 1.0)
}

fn main() {}
