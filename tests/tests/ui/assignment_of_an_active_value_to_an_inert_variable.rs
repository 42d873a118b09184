// `y` is a constant until the assignment.

use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = 1.0;
    y = y * x;
    y
}

fn main() {}
