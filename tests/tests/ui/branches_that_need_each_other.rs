// Second derivatives of a loop that is left, and goes on, by conditions on the sides of branches.

use nalgebra::Vector3;
use nalgrad::hessian;

#[hessian]
fn f(x: &Vector3<f64>) -> f64 {
    let mut a = 0.5;
    let mut b = 0.1;
    for k in 0..x.len() {
        if x.x < b {
            continue;
        }
        match k {
            0 => a /= x.y,
            1 => {
                a -= x.x;
                if a < 0.1 {
                    break;
                }
            }
            _ => b += b,
        }
        b -= a;
    }
    b
}

fn main() {
    f_hessian(&Vector3::new(0.5, -2.0, 3.0));
}
