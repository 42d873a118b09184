// Nothing in the tokens says how many rows `basis()` has: a closed form or not?

use nalgebra::DMatrix;
use nalgrad::gradient;

fn basis() -> DMatrix<f64> {
    DMatrix::identity(4, 4)
}

#[gradient]
fn cost(x: f64) -> f64 {
    let scaled = basis() * x;
    scaled.determinant()
}

fn main() {}
