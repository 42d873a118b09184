use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x.clone_owned();
    if let Some(first) = y.get_mut(0) {
        *first = x[1] * x[1];
    }
    y.sum()
}

fn main() {}
