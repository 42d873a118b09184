use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x.clone_owned();
    y.swap_rows(0, 1);
    y[0].sin() + y[1]
}

fn main() {}
