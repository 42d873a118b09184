//! The attributes of [nalgrad](https://docs.rs/nalgrad): use them through that crate.
//!
//! The source is laid out as the data flows: `args` and `ty` read the attribute and the signature,
//! `lower` reads the body into a `graph`, `differentiate` applies the laws of the `rules`, every value
//! it builds goes through `simplify`, and `emit` writes the companion that `companion` wraps. Its documentation is a
//! `derivation`, in mathematical `notation`.

mod args;
mod companion;
mod derivation;
mod derive;
mod differentiate;
mod emit;
mod error;
mod graph;
#[allow(dead_code, reason = "the attributes that need it come next")]
mod jacobian;
mod lower;
mod notation;
mod position;
mod rules;
mod scope;
mod signature;
mod simplify;
mod surface;
mod ty;

use proc_macro::TokenStream;

/// Differentiates a function `f` that returns a number, and writes two companions beside it.
///
/// Both take the parameters of `f` in their order, and share its visibility, generics and lint attributes; in an
/// inherent `impl` they are methods beside the method. `f` itself is left as it is. Their documentation derives the
/// gradient step by step.
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
///   `f64`, `f32`, a `T: RealField + Copy`, a vector, a matrix or a view of these, or a list or a tuple of those. Structs
///   that derive `Differentiable`, and `self`, have to be named.
/// * `crate = path` or `crate = "path"`: where the crate `nalgrad` is found, if not at `::nalgrad`.
/// * `checkpoint`: of N iterations of a loop over a range about √N are kept, from which the others are computed again, for
///   one more forward pass; with `checkpoint = n` one in `n`. What may have an effect is an error in such a loop.
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
    companion::expand(args::Attribute::Gradient, attribute.into(), item.into()).into()
}

/// The Jacobian of a function that returns a scalar, a vector, a matrix, or a tuple or an array of these.
///
/// | companion | returns |
/// |---|---|
/// | `f_jacobian` | the Jacobian, in numerator layout: a row for each entry of the result, a column for each of the parameter |
/// | `f_value_and_jacobian` | the value of `f`, bit for bit, and the Jacobian |
///
/// Matrices count as their entries, column by column. A scalar by a scalar gives a scalar; static sizes give an
/// `SMatrix`, in which a scalar counts as one; any dynamic size gives a `DMatrix`. Several parameters give a tuple of
/// Jacobians; a function that returns a tuple gives a tuple, outside of that of the parameters, with `()` for what has no
/// derivative.
///
/// ```text
/// #[jacobian(wrt(x))]
/// fn layer(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
///     (a * x).map(|z| z.tanh())
/// }
///
/// let j = layer_jacobian(&x, &a); // diag(1 − tanh²) A, as a scaling of the rows of A
/// ```
///
/// # Arguments
///
/// Those of [`macro@gradient`], and `mode = forward` or `mode = reverse` for the direction in which derivatives
/// accumulate. Without it the macro counts operations, with 50 for each size that is known at run time only, and takes
/// the cheaper direction.
///
/// # Errors
///
/// A product of two const generics, as the number of entries of an `SMatrix<f64, R, C>`, cannot be written in a type on
/// stable Rust: that is an error.
#[proc_macro_attribute]
pub fn jacobian(attribute: TokenStream, item: TokenStream) -> TokenStream {
    companion::expand(args::Attribute::Jacobian, attribute.into(), item.into()).into()
}

/// The Hessian of a function that returns a number.
///
/// | companion | returns |
/// |---|---|
/// | `f_hessian` | the Hessian: n by n for a parameter with n entries, and exactly symmetric |
/// | `f_value_gradient_and_hessian` | the value of `f`, bit for bit, the gradient and the Hessian |
///
/// By a scalar it is a scalar. Several parameters give a tuple of tuples of blocks, row by row; a block below the diagonal
/// is the transpose of the one above it, bit for bit. Types are those of [`macro@jacobian`].
///
/// ```text
/// #[hessian(wrt(x))]
/// fn quadratic(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
///     x.dot(&(a * x))
/// }
///
/// let h = quadratic_hessian(&x, &a); // A + Aᵀ
/// ```
///
/// The arguments are those of [`macro@gradient`], the errors those of [`macro@jacobian`].
#[proc_macro_attribute]
pub fn hessian(attribute: TokenStream, item: TokenStream) -> TokenStream {
    companion::expand(args::Attribute::Hessian, attribute.into(), item.into()).into()
}

/// Forward mode: `f_jvp`, which takes a tangent for each differentiated parameter after the parameters.
///
/// | companion | returns |
/// |---|---|
/// | `f_jvp(params…, tangents…)` | the value of `f`, bit for bit, and its tangent: the Jacobian times the tangents |
///
/// `f` may return a scalar, a vector, a matrix, or a tuple or an array of these; the tangent has its owned type, with
/// `()` in place of integers, conditions and other parts without a derivative. A tangent has the type of its parameter.
///
/// ```text
/// #[jvp(wrt(x))]
/// fn residual(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
///     (a * x).map(|z| z.tanh())
/// }
///
/// let (value, tangent) = residual_jvp(&x, &a, &dx);
/// ```
///
/// The arguments are those of [`macro@gradient`].
///
/// # Panics
///
/// The companion panics where `f` does, and if a tangent has not the shape of its parameter.
#[proc_macro_attribute]
pub fn jvp(attribute: TokenStream, item: TokenStream) -> TokenStream {
    companion::expand(args::Attribute::Jvp, attribute.into(), item.into()).into()
}

/// Reverse mode: `f_vjp`, which returns the value and its pullback.
///
/// | companion | returns |
/// |---|---|
/// | `f_vjp(params…)` | the value of `f`, bit for bit, and a closure from a cotangent of the value to the gradient |
///
/// The forward pass runs once; the pullback owns what it needs, or borrows it from the arguments, and can be called
/// again. The cotangent has the owned type of what `f` returns, with `()` in place of what has no derivative; it is
/// passed by value.
///
/// ```text
/// #[vjp(wrt(x))]
/// fn residual(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
///     (a * x).map(|z| z.tanh())
/// }
///
/// let (value, pullback) = residual_vjp(&x, &a);
/// let x_bar = pullback(value_bar);
/// ```
///
/// The arguments are those of [`macro@gradient`].
///
/// # Panics
///
/// The companion panics where `f` does, the pullback if the cotangent has not the shape of the value.
#[proc_macro_attribute]
pub fn vjp(attribute: TokenStream, item: TokenStream) -> TokenStream {
    companion::expand(args::Attribute::Vjp, attribute.into(), item.into()).into()
}

/// The Hessian times a direction, without the Hessian: `f_hvp`.
///
/// | companion | returns |
/// |---|---|
/// | `f_hvp(params…, directions…)` | the gradient, and the product of the Hessian with the directions, of the gradient's type |
///
/// It costs a small multiple of a gradient, whatever the number of entries.
///
/// ```text
/// #[hvp(wrt(x))]
/// fn energy(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
///     (a * x).map(|z| z.cosh()).sum()
/// }
///
/// let (gradient, product) = energy_hvp(&x, &a, &direction);
/// ```
///
/// The arguments are those of [`macro@gradient`].
///
/// # Panics
///
/// The companion panics where `f` does, and if a direction has not the shape of its parameter.
#[proc_macro_attribute]
pub fn hvp(attribute: TokenStream, item: TokenStream) -> TokenStream {
    companion::expand(args::Attribute::Hvp, attribute.into(), item.into()).into()
}

/// Makes a function callable from functions that are differentiated.
///
/// Beside `f` it writes the companions by which calls of `f` are differentiated, up to second order; they are hidden from
/// the documentation. Where `f` is called by a path or as a method, they are found beside it. For a name that came by
/// `use other::f;` they come along in a module of the name of `f`.
///
/// ```text
/// #[differentiable]
/// fn softplus(x: f64) -> f64 {
///     x.max(0.0) + (-x.abs()).exp().ln_1p()
/// }
///
/// #[gradient]
/// fn loss(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
///     softplus(w.dot(x)) + 0.5 * w.norm_squared()
/// }
/// ```
///
/// What `f` returns is taken for a number where nothing tells its type; a `let` with a type does, as in
/// `let r: DVector<f64> = residual(&x);`. A wrong guess is an error. Where the attribute was forgotten, rustc says that `f`
/// is no module, or that there is no `f_pullback`.
///
/// On an implementation of a trait it moves the companions of the methods in it that carry attributes into an inherent
/// `impl` beside it, as they are no members of the trait. On an inherent `impl` and on a trait it changes nothing: the
/// companions are beside the methods anyway.
///
/// ```text
/// #[differentiable]
/// impl Potential for Spring {
///     #[gradient(wrt(x))]
///     fn energy(&self, x: f64) -> f64 {
///         0.5 * self.stiffness * x * x
///     }
/// }
///
/// let force = -spring.energy_gradient(x);
/// ```
///
/// Gradients and products with vectors call `f` as often as the function does that they are of; Jacobians and Hessians
/// once more for each direction along which they differentiate. So `f` had better do nothing besides.
///
/// # Arguments
///
/// Those of [`macro@gradient`], and
///
/// * `vjp = path` and `jvp = path`: rules of your own instead of the body, which may then be anything. They have the
///   signatures of the companions of [`macro@vjp`] and [`macro@jvp`], and give first derivatives only; what needs the one
///   that is not given is an error. `nalgrad::check` tests them.
/// * `order = n`: how often calls are differentiated. Without it, twice; `order = 1` is less code. `order = 3` and
///   `order = 4` are for what calls `f_gradient`, `f_jvp` or `f_hvp` and is differentiated again, if `f` calls functions
///   in its turn: they need it as well, and are functions of numbers, vectors and matrices.
/// * `module = false` where a module of the function's name cannot be: for an associated function without `self` in an
///   `impl` block, or where there is such a module already.
/// * `boxed` for functions that call each other in a circle: rustc could not name the types of their pullbacks otherwise.
#[proc_macro_attribute]
pub fn differentiable(attribute: TokenStream, item: TokenStream) -> TokenStream {
    companion::expand(
        args::Attribute::Differentiable,
        attribute.into(),
        item.into(),
    )
    .into()
}

/// Makes a struct a parameter to differentiate by: it implements the trait `nalgrad::Differentiable`.
///
/// Every field is a number, a matrix or a vector of nalgebra's, an array, a `Vec` or a tuple of these, or another struct
/// that derives it. Fields without a derivative carry `#[inert]`: they are cloned from the parameter.
///
/// ```text
/// #[derive(Differentiable)]
/// struct Layer {
///     weights: DMatrix<f64>,
///     bias: DVector<f64>,
///     #[inert]
///     name: String,
/// }
///
/// #[gradient(wrt(layer))]
/// fn energy(layer: &Layer, x: &DVector<f64>) -> f64 {
///     let Layer { weights, bias, .. } = layer;
///     (weights * x + bias).norm_squared()
/// }
///
/// let gradient: Layer = energy_gradient(&layer, &x);
/// ```
///
/// An attribute does not see the types of the fields: they follow from what is done with them. Where that leaves a
/// choice a field is taken for a number, and a wrong guess is an error; `let w: &DMatrix<f64> = &layer.weights;` tells.
///
/// The struct may be generic over `T: RealField + Copy` and over sizes. `#[nalgrad(crate = path)]` says where the crate
/// `nalgrad` is found, if not at `::nalgrad`.
#[proc_macro_derive(Differentiable, attributes(inert, nalgrad))]
pub fn derive_differentiable(item: TokenStream) -> TokenStream {
    derive::expand(item.into()).into()
}
