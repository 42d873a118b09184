use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(v: &DVector<f64>, factor: Option<f64>) -> f64 {
    v.map(|x| match factor {
        Some(scale) => scale * x,
        None => x,
    })
    .sum()
}

fn main() {}
