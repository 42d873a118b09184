use nalgebra::DVector;
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

#[gradient(wrt(x))]
#[jacobian]
#[hessian]
#[jvp]
#[vjp]
#[hvp]
#[differentiable]
fn cost(x: &DVector<f64>) -> f64 {
    let text = x[0].to_string();
    text.len() as f64 * x[1]
}

#[gradient]
fn caller(x: &DVector<f64>) -> f64 {
    let c: f64 = cost(x);
    c * c
}

fn main() {
    let x = DVector::from_vec(vec![1.0, 2.0]);
    let (value, pullback) = cost_vjp(&x);
    println!("{value} {} {}", pullback(1.0), cost_gradient(&x));
    println!("{} {:?}", cost_hessian(&x), cost_hvp(&x, &x));
    println!("{} {:?}", cost_jacobian(&x), cost_jvp(&x, &x));
    println!("{}", caller_gradient(&x));
}
