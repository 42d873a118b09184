use nalgrad::gradient;

const STEPS: u32 = 3;

#[gradient]
fn cost(x: f64) -> f64 {
    x * STEPS
}

fn main() {}
