//! Lists of vectors and matrices change element by element.

use nalgebra::{Matrix2, Vector2};
use nalgrad::gradient;

#[gradient]
fn swapped(x: f64) -> f64 {
    let mut all = vec![Vector2::zeros(); 3];
    all[0] = Vector2::new(x, 1.0);
    all.swap(0, 1);
    all[1].x
}

#[gradient]
fn repeated(x: f64, n: usize) -> f64 {
    let mut all = vec![Matrix2::identity(); n];
    all[0] *= x;
    all[0].sum()
}

#[gradient]
fn taken_apart(x: f64) -> f64 {
    let mut all = vec![Vector2::zeros(); 3];
    all[0].x = x;
    all[0..2].len() as f64 * x
}

fn main() {}
