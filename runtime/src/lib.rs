//! Matrix calculus for [nalgebra] at compile time.
//!
//! [`#[gradient]`](macro@gradient) on an ordinary function reads its body, differentiates it by the rules of matrix
//! calculus and writes two companions beside it, which give the gradient, and the value with the gradient:
//!
//! ```
//! use nalgebra::{dmatrix, dvector, DMatrix, DVector};
//! use nalgrad::gradient;
//!
//! /// Half the squared error of a linear model.
//! #[gradient(wrt(w, b))]
//! fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
//!     0.5 * ((x * w).add_scalar(b) - y).norm_squared()
//! }
//!
//! let (w, b) = (dvector![0.5, -1.0], 0.25);
//! let (x, y) = (dmatrix![1.0, 2.0; 3.0, 4.0], dvector![1.0, 0.0]);
//!
//! // With r = x w + b − y, the gradient is xᵀ r by w, and Σ rᵢ by b.
//! let r = (&x * &w).add_scalar(b) - &y;
//! let (dw, db) = cost_gradient(&w, b, &x, &y);
//! assert_eq!((dw, db), (x.tr_mul(&r), r.sum()));
//!
//! let (value, _) = cost_value_and_gradient(&w, b, &x, &y);
//! assert_eq!(value, cost(&w, b, &x, &y));
//! ```
//!
//! The companions are plain nalgebra, which `cargo expand` shows. What the macro does not understand is an error of
//! the compiler, never a wrong number; the README lists what it does.
//!
//! # Conventions
//!
//! * The gradient has the shape and the owned type of its parameter, and for several it is a tuple. By a parameter
//!   that the result does not depend on it is zero.
//! * The value is that of the function, bit for bit. Where the function panics, so do the companions.
//! * The derivative of `max(0, z)` at 0 is 0: at a tie a constant wins; otherwise each argument gets a half. That of
//!   `abs`, `signum` and `norm` at zero is 0. At a branch it is that of the side taken.
//! * `cholesky` reads the lower triangle of its matrix, so a gradient through it is zero above the diagonal.
//!
//! ```
//! use nalgebra::Vector3;
//! use nalgrad::gradient;
//!
//! #[gradient]
//! fn loss(x: &Vector3<f64>) -> f64 {
//!     x.map(|t| t.max(0.0)).sum() + x.norm()
//! }
//!
//! assert_eq!(loss_gradient(&Vector3::zeros()), Vector3::zeros());
//! assert_eq!(loss_gradient(&Vector3::new(2.0, 0.0, 0.0)), Vector3::new(2.0, 0.0, 0.0));
//! ```
//!
//! # In your tests
//!
//! [`check`] compares any gradient, written by the attribute or by hand, with finite differences:
//!
//! ```
//! use nalgrad::{check, gradient};
//!
//! #[gradient]
//! fn wave(x: f64, y: f64) -> f64 {
//!     (x * y).sin() / x.cosh()
//! }
//!
//! check::gradient(|(x, y)| wave(*x, *y), &(0.7, 1.9), &wave_gradient(0.7, 1.9)).unwrap();
//! ```

pub mod check;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[doc(hidden)]
pub use nalgebra;
pub use nalgrad_macros::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

/// The same value, as a constant of differentiation: nothing flows back through it.
///
/// ```
/// use nalgrad::gradient;
///
/// #[gradient]
/// fn detached(x: f64) -> f64 {
///     x * nalgrad::stop_gradient(x)
/// }
///
/// assert_eq!(detached(3.0), 9.0);
/// assert_eq!(detached_gradient(3.0), 3.0);
/// ```
pub fn stop_gradient<T>(x: T) -> T {
    x
}
