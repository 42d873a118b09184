//! An argument of `checkpoint`.

use nalgrad::gradient;

#[gradient(checkpoint = "often")]
fn decay(x: f64, n: usize) -> f64 {
    let mut x = x;
    for _ in 0..n {
        x -= 0.1 * x.sin();
    }
    x
}

fn main() {}
