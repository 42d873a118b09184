use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    fn double(y: &mut f64) {
        *y *= 2.0;
    }
    let mut y = x[0];
    double(&mut y);
    y * y
}

fn main() {}
