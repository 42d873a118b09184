use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut parts = Vec::new();
    for i in 0..x.len() {
        parts.push(x.rows(0, i) * x[i]);
    }
    parts[0].norm() + parts[1].norm()
}

#[gradient]
fn collected(x: &DVector<f64>) -> f64 {
    let parts: Vec<DVector<f64>> = (0..x.len()).map(|i| x.rows(0, i) * x[i]).collect();
    parts[0].norm()
}

fn main() {}
