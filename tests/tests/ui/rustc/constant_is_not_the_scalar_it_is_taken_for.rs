// `options.scale` may be a scalar or a matrix: the guess is pinned, and rustc refuses it there.

use nalgebra::{Matrix3, Vector3};
use nalgrad::gradient;

struct Options {
    scale: Matrix3<f64>,
}

#[gradient(wrt(x))]
fn cost(x: &Vector3<f64>, options: &Options) -> f64 {
    (options.scale * x).norm_squared()
}

fn main() {}
