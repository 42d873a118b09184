use nalgebra::Vector3;
use nalgrad::differentiable;

#[differentiable]
fn f(p: (&Vector3<f64>, f64)) -> f64 {
    p.0.norm_squared() * p.1
}

fn main() {}
