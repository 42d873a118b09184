use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    x * f64::from((x > 0.0) as u8)
}

fn main() {}
