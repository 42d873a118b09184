use nalgebra::DMatrix;
use nalgrad::gradient;

#[gradient]
fn cost(m: &DMatrix<f64>) -> f64 {
    let mut y = m.clone_owned();
    y.gemm(2.0, m, m, 1.0);
    y.norm_squared()
}

fn main() {}
