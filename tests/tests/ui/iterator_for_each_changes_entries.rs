use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let mut y = x.clone_owned();
    y.iter_mut().for_each(|v| *v = *v * *v);
    y.sum()
}

fn main() {}
