use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn largest(x: &DVector<f64>) -> f64 {
    let mut best: Option<f64> = None;
    for v in x.iter() {
        best = match best {
            None => Some(*v),
            Some(b) => Some(b.max(*v)),
        };
    }
    best.unwrap()
}

#[gradient]
fn last(x: &DVector<f64>) -> f64 {
    let mut best = None;
    for v in x.iter() {
        if best.is_none() || *v > 1.0 {
            best = Some(*v);
        }
    }
    best.unwrap_or(0.0)
}

fn main() {}
