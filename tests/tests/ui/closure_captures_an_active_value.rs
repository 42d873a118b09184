use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let shifted = |y: f64| y + x;
    shifted(1.0)
}

fn main() {}
