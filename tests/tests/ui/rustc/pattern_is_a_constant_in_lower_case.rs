// A macro cannot see that `limit` is a constant, and takes it for a new variable: rustc says so.

use nalgrad::gradient;

#[expect(non_upper_case_globals)]
const limit: f64 = 1.0;

#[gradient]
fn cost(x: f64) -> f64 {
    match x * x {
        limit if x > 0.0 => x,
        _ => 0.0,
    }
}

fn main() {}
