// `cost` is right as it stands; `other` is not.

use nalgrad::gradient;

#[derive(Clone, Copy)]
struct Real(f64);

type DVector<T> = Vec<T>;

#[gradient(wrt(x))]
fn cost(x: f64, weights: &DVector<Real>) -> f64 {
    x * weights[0].0
}

#[gradient]
fn other(weights: &DVector<f64>) -> f64 {
    weights[0] * weights[1]
}

fn main() {}
