use nalgebra::Matrix2;
use nalgrad::gradient;

#[gradient(wrt(m))]
fn f(m: &Matrix2<f64>, n: u32) -> f64 {
    m.pow(n).trace()
}

fn main() {}
