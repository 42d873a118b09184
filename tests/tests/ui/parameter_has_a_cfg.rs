// The macro cannot tell whether the parameter is there.

use nalgrad::gradient;

#[gradient]
fn cost(x: f64, #[cfg(all())] y: f64) -> f64 {
    x * y
}

fn main() {}
