use nalgebra::{DVector, Vector3};
use nalgrad::gradient;

#[gradient]
fn greatest(x: &Vector3<f64>) -> f64 {
    *x.iter().max_by(|a, b| a.partial_cmp(b).unwrap()).unwrap()
}

#[gradient]
fn least(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).min_by(|a, b| a.total_cmp(b)).unwrap()
}

#[gradient]
fn apart(x: &[f64]) -> f64 {
    let (sines, cosines): (Vec<f64>, Vec<f64>) = x.iter().map(|v| (v.sin(), v.cos())).unzip();
    sines[0] * cosines[1]
}

fn keep(_: f64) -> bool {
    true
}

#[gradient]
fn seen(x: &[f64]) -> f64 {
    if x.iter().any(|v| keep(*v)) { x[0] } else { x[1] }
}

#[gradient]
fn total(x: &[DVector<f64>]) -> f64 {
    let sum: DVector<f64> = x.iter().map(|v| v * 2.0).sum();
    sum.norm()
}

fn main() {}
