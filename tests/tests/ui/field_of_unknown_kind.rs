use nalgebra::{DMatrix, Vector3};
use nalgrad::{Differentiable, gradient};

#[derive(Differentiable)]
struct Model {
    w: DMatrix<f64>,
    x: Vector3<f64>,
    #[inert]
    n: usize,
}

#[gradient(wrt(p))]
fn norm(p: &Model) -> f64 {
    p.w.norm()
}

#[gradient(wrt(p))]
fn cast(p: &Model, x: f64) -> f64 {
    x * p.n as f64
}

#[gradient(wrt(p))]
fn index(p: &Model, i: usize) -> f64 {
    p.x[i]
}

#[gradient(wrt(p))]
fn product(p: &Model, x: &Vector3<f64>) -> f64 {
    (&p.w * x).norm()
}

#[gradient(wrt(p))]
fn part(p: &Model, v: &Vector3<f64>) -> f64 {
    p.x.y + (p.x + v).norm()
}

#[gradient(wrt(p))]
fn two_ways(p: &Model) -> f64 {
    p.x.y * p.x[1]
}

#[gradient(wrt(p))]
#[allow(unused)]
fn unread(p: &Model, x: f64) -> f64 {
    x
}

#[gradient(wrt(p))]
fn mutable(mut p: Model) -> f64 {
    p.x.y += 1.0;
    p.x.y
}

#[gradient(wrt(p))]
fn changed(p: &Model) -> f64 {
    let mut q = p.x;
    q.x = 1.0;
    q.y
}

impl Model {
    #[gradient(wrt(self))]
    fn exclusive(&mut self) -> f64 {
        self.x.y
    }

    #[gradient(wrt(self))]
    fn boxed(self: Box<Self>) -> f64 {
        self.x.y
    }
}

fn main() {}
