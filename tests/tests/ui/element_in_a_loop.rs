use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn f(xs: &[Vector3<f64>]) -> f64 {
    let mut s = 0.0;
    for i in 0..xs.len() {
        s += xs[i].norm_squared();
    }
    s
}

#[gradient]
fn g(xs: &[Vector3<f64>]) -> f64 {
    xs.iter().map(|x| x.norm()).sum()
}

#[derive(nalgrad::Differentiable)]
struct Rates {
    rate: f64,
}

#[gradient(wrt(p))]
fn h(p: &Rates, n: usize) -> f64 {
    let mut s = 1.0;
    for _ in 0..n {
        s = (s * p.rate).sin();
    }
    s
}

fn main() {}
