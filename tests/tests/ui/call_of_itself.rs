use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    if x > 1.0 { cost(x / 2.0) } else { x * x }
}

fn main() {}
