use nalgebra::DMatrix;
use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut m = DMatrix::zeros(3, 3);
    let all = &mut m;
    all.fill(x);
    m[(0, 0)]
}

fn main() {}
