// The macro cannot tell which of the two is there.

use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    #[cfg(all())]
    let y = x * x;
    #[cfg(not(all()))]
    let y = x;
    y + 1.0
}

fn main() {}
