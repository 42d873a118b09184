use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let first_negative = |default: f64| {
        for i in 0..3 {
            if x[i] < 0.0 {
                return x[i];
            }
        }
        default
    };
    first_negative(x[0]) * x[1]
}

fn main() {}
