use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = 1.0;
    let slot = &mut y;
    *slot = x * x;
    y
}

fn main() {}
