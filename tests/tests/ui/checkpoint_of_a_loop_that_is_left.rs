//! A loop with checkpoints that is left early.

use nalgrad::gradient;

#[gradient(checkpoint)]
fn decay(x: f64, n: usize) -> f64 {
    let mut x = x;
    for _ in 0..n {
        x -= 0.1 * x.sin();
        if x < 0.1 {
            break;
        }
    }
    x
}

fn main() {}
