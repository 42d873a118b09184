use nalgebra::Vector3;
use nalgrad::gradient;

static mut LAST: f64 = 0.0;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    unsafe {
        LAST = x[0];
    }
    x[1]
}

fn main() {}
