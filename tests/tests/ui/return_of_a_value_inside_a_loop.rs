use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut sum = 0.0;
    for i in 0..3 {
        sum += x[i] * sum + x[0];
        if sum > 1.0 {
            return sum * x[2];
        }
    }
    sum
}

fn main() {}
