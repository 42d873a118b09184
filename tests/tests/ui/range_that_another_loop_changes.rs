use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut s = 1.0;
    let mut k = 1;
    for i in 0..3 {
        for j in 0..k {
            s = s * x[j] + x[i];
        }
        k = 4 - k;
    }
    s
}

fn main() {}
