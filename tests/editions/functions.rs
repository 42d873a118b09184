//! Functions that mean the same in every edition.

use nalgebra::{DMatrix, DVector, Matrix3, RealField, SVector, Vector3};
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

/// A scalar function of two scalars.
#[gradient]
pub fn wave(x: f64, y: f64) -> f64 {
    let phase = x * x + y;
    phase.sin() * x.exp()
}

/// Half the square, in single precision.
#[gradient]
pub fn half_square(x: f32) -> f32 {
    0.5 * x * x
}

/// Mean squared error of one rectified linear unit.
#[gradient(wrt(w, b))]
pub fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    (y - activation).norm_squared() / y.len() as f64
}

/// The volume of the parallelepiped of three static vectors.
#[gradient]
pub fn volume(a: &Vector3<f64>, b: &Vector3<f64>, c: &Vector3<f64>) -> f64 {
    a.cross(b).dot(c)
}

/// Huber's loss: a branch.
#[gradient(wrt(residual))]
pub fn huber(residual: f64, width: f64) -> f64 {
    if residual.abs() < width {
        0.5 * residual * residual
    } else {
        width * (residual.abs() - 0.5 * width)
    }
}

/// The logarithm of a static determinant.
#[gradient]
pub fn log_det(m: &Matrix3<f64>) -> f64 {
    m.determinant().ln()
}

/// Generic over the real type and the length.
#[gradient(wrt(x))]
pub fn energy<T, const N: usize>(stiffness: T, x: &SVector<T, N>) -> T
where
    T: RealField + Copy,
{
    stiffness * x.norm_squared()
}

/// Linear, so that the gradient reads nothing of `x`.
#[gradient(wrt(x))]
pub fn linear<'a>(a: &'a DVector<f64>, x: &'a DVector<f64>) -> f64 {
    a.dot(x)
}

/// A function with a raw identifier for a name.
#[gradient]
pub fn r#try(r#dyn: f64) -> f64 {
    r#dyn * r#dyn * r#dyn
}

/// A line of numbers, with methods.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// How much it rises.
    pub slope: f64,
}

impl Line {
    /// Where every line starts.
    pub const START: f64 = 1.5;

    /// The square of the height at `x`.
    #[gradient]
    pub fn height_squared(&self, x: f64) -> f64 {
        let height = self.slope * x + Self::START;
        height * height
    }
}

/// A vector function, of two borrows without a lifetime: its pullback borrows from both.
#[vjp]
#[jvp]
pub fn layer(a: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    (a * x).map(|z| z.tanh())
}

/// A quadratic form.
#[hvp(wrt(x))]
pub fn quadratic(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    x.dot(&(a * x))
}

/// Called, also entry by entry.
#[differentiable]
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Called, and borrows what is inert.
#[differentiable(wrt(x))]
pub fn bent(a: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    (a * x).map(softplus)
}

/// Every companion, through calls.
#[gradient(wrt(x, s))]
#[jacobian]
#[hessian]
#[jvp]
#[vjp]
#[hvp]
pub fn all(a: &DMatrix<f64>, x: &DVector<f64>, s: f64) -> f64 {
    let y: DVector<f64> = bent(a, x);
    if s > 0.0 {
        y.norm_squared() * softplus(s)
    } else {
        y.sum()
    }
}
