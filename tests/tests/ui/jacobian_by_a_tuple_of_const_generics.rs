use nalgebra::SVector;
use nalgrad::jacobian;

#[jacobian]
fn f<const N: usize>(p: (f64, SVector<f64, N>)) -> f64 {
    p.0 * p.1.norm_squared()
}

fn main() {}
