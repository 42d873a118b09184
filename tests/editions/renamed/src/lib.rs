//! Annotated functions in a crate that knows nalgrad and nalgebra by other names.
#![deny(warnings, missing_docs)]
#![forbid(unsafe_code)]

use algebra::{DMatrix, DVector, Matrix3, RealField, Vector3};

/// The path of the crate as a path.
#[calculus::gradient(crate = calculus)]
pub fn wave(x: f64, y: f64) -> f64 {
    (x * y).sin() + x.max(y)
}

/// The path of the crate as a string.
#[calculus::gradient(wrt(w, b), crate = "calculus")]
pub fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    (y - activation).norm_squared() / y.len() as f64
}

/// An absolute path, before the parameters.
#[calculus::gradient(crate = ::calculus, wrt(m))]
pub fn trace_of_inverse(m: &Matrix3<f64>, scale: f64) -> f64 {
    scale * m.try_inverse().unwrap().trace()
}

/// An absolute path as a string.
#[calculus::gradient(crate = "::calculus")]
pub fn energy<T: RealField + Copy>(stiffness: T, x: &Vector3<T>) -> T {
    stiffness * x.norm_squared()
}

mod kit {
    pub(crate) use calculus as derivatives;
}

/// A path through a module of this crate.
#[kit::derivatives::gradient(crate = crate::kit::derivatives)]
pub fn product(x: &DVector<f64>, y: &DVector<f64>) -> f64 {
    x.dot(y)
}

/// Called.
#[calculus::differentiable(crate = calculus)]
pub fn halved(x: &DVector<f64>) -> DVector<f64> {
    x * 0.5
}

/// The path is shared with the attributes below, and the callee has its own.
#[calculus::gradient(crate = calculus)]
#[calculus::jacobian]
#[calculus::hessian]
#[calculus::jvp]
#[calculus::vjp]
#[calculus::hvp]
#[calculus::differentiable]
pub fn all(x: &DVector<f64>, s: f64) -> f64 {
    let y: DVector<f64> = halved(x);
    y.norm_squared() * s.exp() + calculus::stop_gradient(s)
}
