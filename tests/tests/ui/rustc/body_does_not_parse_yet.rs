// While the user is typing, the function and its companions keep their signatures.

use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = x.;
    y * x
}

fn caller() -> (f64, f64) {
    (cost(1.0), cost_gradient(1.0))
}

fn main() {}
