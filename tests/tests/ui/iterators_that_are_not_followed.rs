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

#[gradient]
fn kept(x: &[f64]) -> f64 {
    let last = std::cell::Cell::new(0.0);
    let all = x.iter().all(|v| {
        last.set(*v);
        *v > 0.0
    });
    if all { last.get() } else { x[1] }
}

#[gradient]
fn kept_by_an_assertion(x: &[f64]) -> f64 {
    let last = std::cell::Cell::new(0.0);
    assert!(x.iter().all(|v| {
        last.set(*v);
        *v > 0.0
    }));
    last.get()
}

#[gradient]
fn added_up(x: &[f64]) -> f64 {
    let mut sum = 0.0;
    let any = x.iter().any(|v| {
        sum += *v;
        *v > 9.0
    });
    if any { sum } else { x[1] }
}

#[gradient]
fn total(x: &[DVector<f64>]) -> f64 {
    let sum: DVector<f64> = x.iter().map(|v| v * 2.0).sum();
    sum.norm()
}

fn main() {}
