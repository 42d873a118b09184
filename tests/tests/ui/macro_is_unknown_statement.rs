// The macro declares a variable that depends on the parameter.

use nalgrad::gradient;

macro_rules! twice {
    ($y:ident, $x:ident) => {
        let $y = 2.0 * $x;
    };
}

#[gradient]
fn cost(x: f64) -> f64 {
    twice!(y, x);
    y * y
}

fn main() {}
