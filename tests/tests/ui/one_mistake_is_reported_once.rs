// Not again wherever the value is used.

use nalgrad::gradient;

fn square(x: f64) -> f64 {
    x * x
}

#[gradient]
fn cost(x: f64) -> f64 {
    let y = square(x);
    let z = y * x;
    z.sin() + y
}

fn main() {}
