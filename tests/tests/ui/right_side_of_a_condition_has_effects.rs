// `check(n)` panics where it must not be reached; it cannot be evaluated beforehand.

use nalgebra::vector;
use nalgrad::gradient;

fn check(n: i32) -> bool {
    assert!(n != 0);
    n > 0
}

#[gradient]
fn cost(x: f64, n: i32) -> f64 {
    if vector![x, 1.0].norm() > 100.0 && check(n) {
        x * x
    } else {
        x
    }
}

fn main() {}
