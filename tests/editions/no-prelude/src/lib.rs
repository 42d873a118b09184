//! Annotated functions in a crate where no name is in scope that it does not import.
#![no_implicit_prelude]
#![deny(warnings, missing_docs)]
#![forbid(unsafe_code)]

use ::nalgebra::{DMatrix, DVector, Matrix3, RealField, SVector, Vector3};
use ::nalgrad::gradient;

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
