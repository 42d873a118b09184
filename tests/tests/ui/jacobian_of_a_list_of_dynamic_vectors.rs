use nalgebra::DVector;
use nalgrad::jacobian;

#[jacobian]
fn f(x: &DVector<f64>) -> [DVector<f64>; 2] {
    [x * 2.0, x.component_mul(x)]
}

#[jacobian]
fn g(x: &DVector<f64>, i: usize) -> f64 {
    let all = [x * 2.0, x.component_mul(x)];
    all[i].sum()
}

fn main() {}
