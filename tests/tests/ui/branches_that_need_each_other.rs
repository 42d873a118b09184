// The second derivatives of what is computed after a `continue`, in a match on a computed condition.

use nalgebra::Vector6;
use nalgrad::hessian;

#[hessian]
fn f(x: &Vector6<f64>) -> f64 {
    let mut loss = 0.0;
    for i in 0..x.len() {
        if i == 5 {
            continue;
        }
        let r = x[i] * x[i + 1];
        loss += match (i, r.abs() > 0.6) {
            (0, true) => r.sin(),
            (_, false) => r * r,
            (_, true) => r.powi(3),
        };
    }
    loss
}

fn main() {
    f_hessian(&Vector6::zeros());
}
