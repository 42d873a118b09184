// A companion must not return the function's value in place of the gradient:
// here both are of type `f64`, so that rustc would not notice.

use nalgrad::gradient;

#[gradient]
fn cost(x: f64, n: u32) -> f64 {
    let scale = if n == 0 {
        return 1.0;
    } else {
        1.0 / f64::from(n)
    };
    scale * x
}

fn main() {}
