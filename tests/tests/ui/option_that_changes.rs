use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn taken_out(x: &[f64]) -> f64 {
    let mut best: Option<f64> = None;
    let mut total = 0.0;
    for c in x {
        best = Some(*c);
        total += best.take().unwrap();
    }
    total
}

#[gradient]
fn changed_inside(x: &[f64]) -> f64 {
    let mut best: Option<f64> = None;
    for c in x {
        match best.as_mut() {
            Some(b) => *b += c,
            None => best = Some(*c),
        }
    }
    best.unwrap_or(0.0)
}

#[gradient]
fn dynamic(x: &[f64]) -> f64 {
    let mut last: Option<DVector<f64>> = None;
    for c in x {
        last = Some(DVector::from_element(3, *c));
    }
    last.unwrap().sum()
}

#[gradient]
fn without_a_type(x: &[f64]) -> f64 {
    let mut last = None;
    for c in x {
        last = Some((*c, 2.0));
    }
    match last {
        Some((a, b)) => a * b,
        None => 0.0,
    }
}

fn main() {}
