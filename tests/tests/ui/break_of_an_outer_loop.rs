use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut sum = 0.0;
    'rows: for i in 0..3 {
        for j in 0..3 {
            if j > i {
                break 'rows;
            }
            sum += x[i] * x[j];
        }
    }
    sum
}

fn main() {}
