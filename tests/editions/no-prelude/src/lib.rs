//! Annotated functions in a crate where no name is in scope that it does not import.
#![no_implicit_prelude]
#![deny(warnings, missing_docs)]
#![forbid(unsafe_code)]

use ::nalgebra::{DMatrix, DVector, Matrix3, RealField, SVector, Vector3};
use ::nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

/// A scalar function of two scalars, one of them in a branch.
#[gradient]
pub fn wave(x: f64, y: f64) -> f64 {
    if x > y { (x * y).sin() } else { x.exp() - y }
}

/// Mean squared error of one rectified linear unit.
#[gradient(wrt(w, b))]
pub fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    (y - activation).norm_squared() / y.len() as f64
}

/// Relative entropy: two vectors at once, elementwise.
#[gradient]
pub fn divergence(p: &Vector3<f64>, q: &Vector3<f64>) -> f64 {
    p.zip_map(q, |a, b| a * (a / b).ln()).sum()
}

/// An inverse, an `unwrap` and a view.
#[gradient]
pub fn corner(m: &Matrix3<f64>) -> f64 {
    let inverse = m.try_inverse().unwrap();
    inverse.column(0).norm_squared() + inverse[(2, 2)]
}

/// Generic over the real type and the length.
#[gradient]
pub fn energy<T, const N: usize>(stiffness: T, x: &SVector<T, N>) -> T
where
    T: RealField + ::core::marker::Copy,
{
    stiffness * x.norm_squared()
}

/// A struct of parameters.
#[derive(::nalgrad::Differentiable)]
pub struct Layer<T: RealField + ::core::marker::Copy, const N: usize> {
    /// What entries are multiplied by.
    pub weights: SVector<T, N>,
    /// What is added.
    pub bias: T,
    /// How many there are.
    #[inert]
    pub count: usize,
}

/// By a struct, a list and a tuple.
#[gradient(wrt(layer, xs, p))]
#[hvp]
#[jvp]
#[vjp]
#[jacobian]
pub fn layered<T, const N: usize>(
    layer: &Layer<T, N>,
    xs: &[SVector<T, N>],
    p: (T, &DVector<T>),
) -> T
where
    T: RealField + ::core::marker::Copy,
{
    let weights: &SVector<T, N> = &layer.weights;
    (weights.dot(&xs[0]) + layer.bias) * p.0 + p.1.norm_squared()
}

/// A method, in a module of its own.
pub mod springs {
    use ::nalgebra::DVector;

    /// A spring.
    pub struct Spring {
        /// How hard it is.
        pub stiffness: f64,
        /// Where it rests.
        pub rest: DVector<f64>,
    }

    impl Spring {
        /// What it takes to pull it to `x`.
        #[::nalgrad::gradient]
        pub fn energy(&self, x: &DVector<f64>) -> f64 {
            0.5 * self.stiffness * (x - &self.rest).norm_squared()
        }
    }
}

/// Called, for every entry and in a branch.
#[differentiable]
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Called, with a pair as its result.
#[differentiable]
pub fn polar(x: &DVector<f64>, s: f64) -> (f64, DVector<f64>) {
    (x.norm(), x * s)
}

/// Every companion.
#[gradient]
#[jacobian]
#[hessian]
#[jvp]
#[vjp]
#[hvp]
pub fn all(x: &DVector<f64>, s: f64) -> f64 {
    let (r, y): (f64, DVector<f64>) = polar(x, s);
    if r > 1.0 {
        softplus(s) * y.map(softplus).sum()
    } else {
        y.norm_squared()
    }
}

/// Results of several kinds.
#[jacobian]
#[jvp]
#[vjp]
pub fn several(x: &Vector3<f64>, s: f64) -> (Vector3<f64>, [f64; 2], usize) {
    (x * s, [s, x.norm()], 3)
}

/// By a rule.
#[differentiable(vjp = cube_vjp, jvp = cube_jvp)]
pub fn cube(x: f64) -> f64 {
    x * x * x
}

fn cube_vjp(x: f64) -> (f64, impl ::core::ops::Fn(f64) -> f64) {
    (cube(x), move |y_bar| 3.0 * x * x * y_bar)
}

fn cube_jvp(x: f64, dx: f64) -> (f64, f64) {
    (cube(x), 3.0 * x * x * dx)
}

/// Calls what has a rule.
#[gradient]
#[jvp]
pub fn tower(x: f64) -> f64 {
    cube(cube(x))
}
