use nalgrad::gradient;

#[gradient]
fn left_out(x: &[f64]) -> f64 {
    let mut positive = x.iter().filter(|v| **v > 0.0);
    let first = positive.next().unwrap();
    positive.fold(*first, |product, v| product * v)
}

#[gradient(wrt(x))]
fn with_an_effect(x: &[f64], seen: &std::cell::Cell<usize>) -> f64 {
    let mut squares = x.iter().map(|v| {
        seen.set(1);
        v * v
    });
    let first = squares.next().unwrap();
    first * squares.sum::<f64>()
}

#[gradient]
fn some_of_them(x: &[f64]) -> f64 {
    let mut entries = x.iter();
    let head: f64 = entries.by_ref().take_while(|v| **v > 0.0).sum();
    head * entries.sum::<f64>()
}

#[gradient]
fn changed(x: &[f64]) -> f64 {
    let mut y = x.to_vec();
    let entries = y.iter_mut();
    for v in entries {
        *v *= 2.0;
    }
    y[0] * y[1]
}

#[gradient]
fn of_another_variable(x: &[f64]) -> f64 {
    let v = x.iter();
    let square = |v: f64| v * v;
    square(x[0]) * v.sum::<f64>()
}

#[gradient]
fn counted(x: &[f64]) -> f64 {
    let mut n = 0;
    let numbered = x.iter().map(|v| {
        n += 1;
        v * n as f64
    });
    let n = numbered.sum::<f64>();
    n * n
}

#[gradient]
fn passed_on(x: &[f64]) -> f64 {
    let entries = x.iter();
    let heap: std::collections::BTreeSet<u64> = entries.map(|v| v.to_bits()).collect();
    heap.len() as f64 * x[0]
}

fn main() {}
