// Every round needs what the one before has made.

use nalgrad::gradient;

#[gradient]
fn cost(x: f64, n: usize) -> f64 {
    let mut y = x;
    for _ in 0..n {
        y += y.sin();
    }
    y
}

fn main() {}
