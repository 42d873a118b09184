use nalgebra::Vector3;
use nalgrad::gradient;

struct Total {
    sum: f64,
}

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut total = Total { sum: 0.0 };
    for i in 0..3 {
        total.sum += x[i] * x[i];
    }
    total.sum
}

fn main() {}
