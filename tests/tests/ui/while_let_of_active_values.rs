use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut entries = x.iter();
    let mut y = 1.0;
    while let Some(entry) = entries.next() {
        y *= entry;
    }
    y
}

fn main() {}
