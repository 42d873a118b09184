use nalgrad::gradient;
use std::cell::Cell;

/// If `x` is longer, one more is counted, or none: that is up to the standard library.
#[gradient(wrt(x))]
fn beside_a_shorter_list(x: &[f64], y: &[f64], seen: &Cell<usize>) -> f64 {
    x.iter()
        .map(|v| {
            seen.set(seen.get() + 1);
            v * v
        })
        .zip(y)
        .map(|(a, b)| a * b)
        .sum()
}

/// Those from the third on are counted as well.
#[gradient(wrt(x))]
fn from_behind(x: &[f64], seen: &Cell<usize>) -> f64 {
    x.iter()
        .map(|v| {
            seen.set(seen.get() + 1);
            v * v
        })
        .take(2)
        .rev()
        .sum()
}

#[gradient]
fn copied(x: &[f64]) -> f64 {
    let mut count = 0;
    let sum: f64 = x
        .iter()
        .map(move |v| {
            count += 1;
            v * count as f64
        })
        .sum();
    sum * count as f64
}

fn main() {}
