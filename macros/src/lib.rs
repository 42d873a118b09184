//! The attributes of [nalgrad](https://docs.rs/nalgrad): use them through that crate.
//!
//! The source is laid out as the data flows: `args` and `ty` read the attribute and the signature,
//! `lower` reads the body into a `graph`, `differentiate` applies the laws of the `rules`, every value
//! it builds goes through `simplify`, and `emit` writes the companion that `companion` wraps.

mod args;
mod companion;
mod differentiate;
mod emit;
mod error;
mod graph;
mod lower;
mod rules;
mod scope;
mod simplify;
mod surface;
mod ty;

use proc_macro::TokenStream;

/// Differentiates a function `f` that returns a number, and writes two companions beside it.
///
/// Both take the parameters of `f` in their order, and share its visibility, generics and lint attributes; in an
/// inherent `impl` they are methods beside the method. `f` itself is left as it is.
///
/// | companion | returns |
/// |---|---|
/// | `f_gradient` | the gradient: of the shape and owned type of its parameter; for several a tuple |
/// | `f_value_and_gradient` | the value of `f`, bit for bit, and the gradient |
///
/// ```text
/// #[gradient(wrt(x, b))]
/// fn cost(x: &DVector<f64>, a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
///     (a * x - b).norm_squared()
/// }
///
/// let (dx, db) = cost_gradient(&x, &a, &b);
/// let (value, (dx, db)) = cost_value_and_gradient(&x, &a, &b);
/// ```
///
/// # Arguments
///
/// * `wrt(x, y)`: the parameters to differentiate by, in the order of the gradient. Without it, all whose type is
///   `f64`, `f32`, a `T: RealField + Copy`, or a vector, a matrix or a view of these.
/// * `crate = path` or `crate = "path"`: where the crate `nalgrad` is found, if not at `::nalgrad`.
///
/// # Errors
///
/// What the macro does not understand is an error at that expression, which says what to write instead; all mistakes
/// of a function are reported at once. What does not depend on a differentiated parameter may be any Rust at all.
///
/// A parameter of a type that is not known to be nalgebra's, an alias for example, can be named in `wrt` if the body
/// begins with its type: `let x: &Vector3<f64> = x;`.
#[proc_macro_attribute]
pub fn gradient(attribute: TokenStream, item: TokenStream) -> TokenStream {
    companion::gradient(attribute.into(), item.into()).into()
}
