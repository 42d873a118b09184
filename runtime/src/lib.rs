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
//! # All attributes
//!
//! | attribute | the function returns | companions | they return |
//! |---|---|---|---|
//! | [`#[gradient]`](macro@gradient) | a number | `f_gradient`, `f_value_and_gradient` | the gradient |
//! | [`#[jacobian]`](macro@jacobian) | anything | `f_jacobian`, `f_value_and_jacobian` | the Jacobian, in numerator layout |
//! | [`#[hessian]`](macro@hessian) | a number | `f_hessian`, `f_value_gradient_and_hessian` | the Hessian, symmetric |
//! | [`#[jvp]`](macro@jvp) | anything | `f_jvp(params…, tangents…)` | the value and its tangent |
//! | [`#[vjp]`](macro@vjp) | anything | `f_vjp(params…)` | the value and its pullback |
//! | [`#[hvp]`](macro@hvp) | a number | `f_hvp(params…, directions…)` | the gradient, and the Hessian times a direction |
//! | [`#[differentiable]`](macro@differentiable) | anything | | what other functions need to call it |
//!
//! They stack, and those below share the `wrt` of the first. A residual for least squares:
//!
//! ```
//! use nalgebra::{matrix, vector, Matrix3x2, Vector2, Vector3};
//! use nalgrad::{jacobian, jvp, vjp};
//!
//! #[jacobian(wrt(p))]
//! #[jvp]
//! #[vjp]
//! fn residual(p: &Vector2<f64>, t: &Vector3<f64>) -> Vector3<f64> {
//!     t.map(|t| p[0] * (p[1] * t).exp())
//! }
//!
//! let (p, t) = (vector![2.0, 0.0], vector![0.0, 1.0, 2.0]);
//! let (value, j): (Vector3<f64>, Matrix3x2<f64>) = residual_value_and_jacobian(&p, &t);
//! assert_eq!(j, matrix![1.0, 0.0; 1.0, 2.0; 1.0, 4.0]);
//!
//! // Its products with vectors, without it.
//! let dp = vector![0.5, 1.0];
//! assert_eq!(residual_jvp(&p, &t, &dp), (value, j * dp));
//! let (_, pullback) = residual_vjp(&p, &t);
//! let r_bar = vector![1.0, -1.0, 0.5];
//! assert_eq!(pullback(r_bar), j.transpose() * r_bar);
//! ```
//!
//! Second derivatives of an energy:
//!
//! ```
//! use nalgebra::{matrix, vector, Vector2};
//! use nalgrad::{hessian, hvp};
//!
//! #[hessian]
//! #[hvp]
//! fn energy(x: &Vector2<f64>) -> f64 {
//!     x[0] * x[0] * x[1]
//! }
//!
//! let x = vector![2.0, 3.0];
//! let h = energy_hessian(&x);
//! assert_eq!(h, matrix![6.0, 4.0; 4.0, 0.0]);
//! let v = vector![1.0, -1.0];
//! assert_eq!(energy_hvp(&x, &v), (vector![12.0, 4.0], h * v));
//! ```
//!
//! Functions that are called say so, and may have rules of their own:
//!
//! ```
//! use nalgrad::{differentiable, gradient};
//!
//! #[differentiable]
//! fn softplus(x: f64) -> f64 {
//!     x.exp().ln_1p()
//! }
//!
//! #[differentiable(vjp = sinc_vjp)]
//! fn sinc(x: f64) -> f64 {
//!     if x == 0.0 { 1.0 } else { x.sin() / x }
//! }
//!
//! /// Right at zero, too.
//! fn sinc_vjp(x: f64) -> (f64, impl Fn(f64) -> f64) {
//!     let slope = if x == 0.0 { 0.0 } else { (x.cos() - sinc(x)) / x };
//!     (sinc(x), move |y_bar| slope * y_bar)
//! }
//!
//! #[gradient]
//! fn sum(x: f64, y: f64) -> f64 {
//!     softplus(x) + sinc(y)
//! }
//!
//! assert_eq!(sum_gradient(0.0, 0.0), (0.5, 0.0));
//! ```
//!
//! [`#[derive(Differentiable)]`](macro@Differentiable) makes a struct a parameter: see the trait [`Differentiable`].
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
//! [`check`] compares any derivative, written by an attribute or by hand, with finite differences:
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
mod differentiable;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use differentiable::Differentiable;
#[doc(hidden)]
pub use nalgebra;
pub use nalgrad_macros::{
    Differentiable, differentiable, gradient, hessian, hvp, jacobian, jvp, vjp,
};

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
