// Not again wherever the value is used.

use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = f64::from(x);
    let z = y * x;
    z.sin() + y
}

fn main() {}
