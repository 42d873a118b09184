use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &[f64], v: &DVector<f64>) -> f64 {
    v.map(|e| match x {
        [a, ..] => a * e,
        [] => e,
    })
    .sum()
}

fn main() {}
