use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut sum = 0.0;
    x.iter().for_each(|entry| {
        if *entry < 0.0 {
            return;
        }
        sum += entry.sqrt();
    });
    sum
}

fn main() {}
