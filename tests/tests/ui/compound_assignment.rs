use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = 1.0;
    y += x * x;
    y
}

fn main() {}
