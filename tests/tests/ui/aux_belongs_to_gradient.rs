use nalgebra::DVector;
use nalgrad::hessian;

#[hessian(aux)]
fn cost(x: &DVector<f64>) -> f64 {
    x.norm_squared()
}

fn main() {}
