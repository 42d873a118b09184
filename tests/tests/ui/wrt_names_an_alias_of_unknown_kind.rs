// What kind of value an alias stands for has to be said by a `let` with its type.

use nalgebra::DVector;
use nalgrad::gradient;

type Weights = DVector<f64>;

#[gradient(wrt(x))]
fn cost(x: &Weights, scale: f64) -> f64 {
    scale * x.norm_squared()
}

fn main() {}
