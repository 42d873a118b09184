// Not every type called `Scalar` is `f64`: with `i32` the derivative would be zero.

use nalgrad::gradient;

type Scalar = f64;

#[gradient]
fn cost(x: f64) -> f64 {
    (x as Scalar) * 2.0 + x
}

fn main() {}
