use nalgebra::Matrix2;
use nalgrad::gradient;

#[gradient]
fn f(m: &Matrix2<f64>) -> f64 {
    let factor = m.cholesky().unwrap();
    factor.l_dirty().sum()
}

fn main() {}
