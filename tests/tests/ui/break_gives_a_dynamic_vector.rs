use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut y = x.clone_owned();
    let small = loop {
        y *= 0.5;
        if y.norm() < 1.0 {
            break y * 2.0;
        }
    };
    small.sum()
}

fn main() {}
