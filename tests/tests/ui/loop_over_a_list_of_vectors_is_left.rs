use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut sum = 0.0;
    for point in [x * 2.0, x * x[0]] {
        if sum > 1.0 {
            break;
        }
        sum += point.norm();
    }
    sum
}

fn main() {}
