use nalgrad::{Differentiable, gradient};

#[derive(Differentiable)]
struct Pendulum {
    length: f64,
    #[inert]
    gravity: f64,
}

#[gradient(wrt(p))]
fn f(p: &Pendulum) -> f64 {
    (p.gravity / p.length).sqrt()
}

fn main() {}
