use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn by_key(x: &[f64]) -> f64 {
    *x.iter().max_by_key(|v| v.to_bits()).unwrap()
}

#[gradient]
fn by_more(x: &[f64]) -> f64 {
    *x.iter()
        .max_by(|a, b| a.floor().total_cmp(&b.floor()).then(a.total_cmp(b)))
        .unwrap()
}

#[gradient]
fn dynamic(x: &[f64]) -> f64 {
    x.iter()
        .map(|v| DVector::from_element(3, *v))
        .reduce(|a, b| a + b)
        .unwrap()
        .sum()
}

/// What one of them leaves out, the other does not.
#[gradient]
fn zipped(x: &[f64], y: &[f64]) -> f64 {
    x.iter()
        .filter(|v| **v > 0.0)
        .zip(y.iter().filter(|v| **v > 0.0))
        .map(|(a, b)| a * b)
        .sum()
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
