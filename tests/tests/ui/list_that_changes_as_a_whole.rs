//! Lists of vectors and matrices change element by element.

use nalgebra::{DMatrix, Vector2};
use nalgrad::gradient;

#[gradient]
fn turned_around(x: f64) -> f64 {
    let mut all = vec![Vector2::zeros(); 3];
    all[0] = Vector2::new(x, 1.0);
    all.truncate(2);
    all[1].x
}

#[gradient]
fn repeated(x: f64, n: usize) -> f64 {
    let mut all = vec![DMatrix::identity(n, n) * x; n];
    all[0] *= x;
    all[0].sum()
}

fn main() {}
