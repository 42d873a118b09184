//! Compare derivatives with finite differences: for the tests of code that differentiates, whether by hand, with
//! [`#[gradient]`](macro@crate::gradient) and the other attributes, or by other means.
//!
//! | function | compares |
//! |---|---|
//! | [`gradient`](gradient()) | the gradient of a function that returns a number |
//! | [`jacobian`](jacobian()) | a Jacobian in numerator layout; of a gradient, the Hessian |
//! | [`jvp`](jvp()) | what forward mode gives, along every direction, and its value |
//! | [`vjp`](vjp()) | a pullback, for a cotangent of every entry, and its value |
//!
//! ```
//! use nalgebra::DVector;
//! use nalgrad::check;
//!
//! fn rosenbrock(x: &DVector<f64>) -> f64 {
//!     (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0].powi(2)).powi(2)
//! }
//!
//! fn rosenbrock_gradient(x: &DVector<f64>) -> DVector<f64> {
//!     let valley = x[1] - x[0].powi(2);
//!     DVector::from_vec(vec![-2.0 * (1.0 - x[0]) - 400.0 * x[0] * valley, 200.0 * valley])
//! }
//!
//! let x = DVector::from_vec(vec![-1.2, 1.0]);
//! check::gradient(rosenbrock, &x, &rosenbrock_gradient(&x)).unwrap();
//! ```
//!
//! # Several parameters
//!
//! Parameters that vary go into a tuple, owned or borrowed; the closure gets them owned. All else it captures. Names
//! make the message tell where the error is:
//!
//! ```
//! use nalgebra::{DMatrix, DVector, dmatrix, dvector};
//! use nalgrad::check::Check;
//!
//! /// Half the squared error of a linear model.
//! fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
//!     ((x * w).add_scalar(b) - y).norm_squared() / 2.0
//! }
//!
//! let (w, b) = (dvector![0.5, -1.0], 0.25);
//! let (x, y) = (dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0], dvector![1.0, 0.0, 2.0]);
//!
//! let residual = (&x * &w).add_scalar(b) - &y;
//! let (dw, db) = (x.tr_mul(&residual), residual.sum());
//! let check = Check::new().names(["w", "b"]);
//! check
//!     .gradient(|(w, b)| cost(w, *b, &x, &y), &(&w, b), &(&dw, db))
//!     .unwrap();
//!
//! let wrong = dvector![dw[0], 4.0 * dw[1]];
//! let failure = check
//!     .gradient(|(w, b)| cost(w, *b, &x, &y), &(&w, b), &(&wrong, db))
//!     .unwrap_err();
//! assert!(failure.to_string().contains("parameter `w`, entry (1, 0): analytic -180, numeric -45 ±"));
//! ```
//!
//! # What is compared with what
//!
//! The numeric derivative is Ridders': central differences at a shrinking sequence of steps, extrapolated to the
//! step zero by Neville's scheme, which also estimates the error (C. J. F. Ridders, *Accurate computation of F′(x)
//! and F′(x) F″(x)*, Advances in Engineering Software 4, 1982; Press et al., *Numerical Recipes*, §5.7). It commonly
//! has ten correct digits, where a plain difference has five. An entry agrees if it lies within a relative
//! [tolerance](Check::tolerance) and a multiple of the estimated error, to which the rounding of the function's
//! values belongs.
//!
//! Steps follow each entry's own size, so that parameters may mix entries such as 10⁸ and 10⁻⁸. No step is larger
//! than a hundredth of the parameter's largest entry (of one, where all are zero); where the function is not defined
//! that close it may return NaN, and smaller steps are taken.
//!
//! Never accepted are entries that are not finite, a function without a finite value at the point, a gradient of
//! another [shape](Shape) than the parameter's, a point where the function has a kink (there the slopes on both sides
//! differ, and there is no derivative to compare with), and numeric derivatives that do not settle. What finite
//! differences cannot see they cannot check: see [`Report::lost`].

use std::fmt;

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix, OMatrix, RealField, Storage};

/// Compares `gradient` with finite differences of `f` at the point `at`, with the settings of [`Check::new`].
///
/// A parameter is a number, a matrix of any kind, an array, a slice, a `Vec`, or a tuple of these: see [`Entries`].
/// The gradient has the parameter's shape.
///
/// ```
/// use nalgebra::Matrix2;
/// use nalgrad::check;
///
/// let a = Matrix2::new(1.0_f64, 2.0, 3.0, 5.0);
/// let gradient = a.try_inverse().unwrap().transpose();
/// let report = check::gradient(|a| a.determinant().abs().ln(), &a, &gradient).unwrap();
/// assert_eq!(report.comparisons.len(), 4);
/// ```
///
/// # Errors
/// If the two disagree, or cannot be compared. `unwrap()` on the result fails a test with a readable message.
pub fn gradient<P, G>(
    f: impl FnMut(&P::Owned) -> P::Scalar,
    at: &P,
    gradient: &G,
) -> Result<Report, Failure>
where
    P: Entries + ?Sized,
    G: Entries<Scalar = P::Scalar> + ?Sized,
{
    Check::new().gradient(f, at, gradient)
}

/// Compares a Jacobian with finite differences of `f` at the point `at`, with the settings of [`Check::new`].
///
/// The Jacobian is in numerator layout, as [`#[jacobian]`](macro@crate::jacobian) gives it: a row for each entry of the
/// result and a column for each of the parameter, matrices counting column by column; a number for a number by a number.
/// For several parameters it is a tuple, and for a tuple that is returned a tuple of these. What returns other parts as
/// well, such as integers, is called in a closure that leaves them out.
///
/// ```
/// use nalgebra::{Vector2, vector};
/// use nalgrad::{check, jacobian};
///
/// #[jacobian]
/// fn polar(radius: f64, angle: f64) -> Vector2<f64> {
///     Vector2::new(radius * angle.cos(), radius * angle.sin())
/// }
///
/// check::jacobian(|(r, a)| polar(*r, *a), &(2.0, 0.5), &polar_jacobian(2.0, 0.5)).unwrap();
///
/// let wrong = (vector![0.5_f64.cos(), 0.5_f64.cos()], polar_jacobian(2.0, 0.5).1);
/// let failure = check::jacobian(|(r, a)| polar(*r, *a), &(2.0, 0.5), &wrong).unwrap_err();
/// assert!(failure.to_string().contains("entry (1, 0) of the result by parameter `.0`: analytic 0.877582562,"));
/// ```
///
/// A Hessian is the Jacobian of the gradient:
///
/// ```
/// use nalgebra::{Vector2, vector};
/// use nalgrad::{check, gradient, hessian};
///
/// #[hessian]
/// #[gradient]
/// fn energy(x: &Vector2<f64>, s: f64) -> f64 {
///     (x.norm_squared() * s).sin()
/// }
///
/// let (x, s) = (vector![0.3, -0.8], 0.6);
/// check::jacobian(|(x, s)| energy_gradient(x, *s), &(&x, s), &energy_hessian(&x, s)).unwrap();
/// ```
///
/// # Errors
/// If the two disagree, or cannot be compared.
pub fn jacobian<P, Y, J>(
    f: impl FnMut(&P::Owned) -> Y,
    at: &P,
    jacobian: &J,
) -> Result<Report, Failure>
where
    P: Entries + ?Sized,
    Y: Entries<Scalar = P::Scalar>,
    J: Entries<Scalar = P::Scalar> + ?Sized,
{
    Check::new().jacobian(f, at, jacobian)
}

/// Compares forward mode with finite differences of `f` at the point `at`, with the settings of [`Check::new`].
///
/// `jvp` gives, for the direction that it is passed, the value and its tangent, as companions of
/// [`#[jvp]`](macro@crate::jvp) do. It is asked for every direction along one entry. The value has to be that of `f`, bit
/// for bit.
///
/// ```
/// use nalgebra::{DVector, dvector};
/// use nalgrad::{check, jvp};
///
/// #[jvp]
/// fn scaled(x: &DVector<f64>, s: f64) -> DVector<f64> {
///     x.map(|e| e.tanh()) * s
/// }
///
/// let (x, s) = (dvector![0.4, -0.9], 1.5);
/// check::jvp(|(x, s)| scaled(x, *s), &(&x, s), |(dx, ds)| scaled_jvp(&x, s, dx, *ds)).unwrap();
/// ```
///
/// # Errors
/// If the two disagree, or cannot be compared.
pub fn jvp<P, Y, T>(
    f: impl FnMut(&P::Owned) -> Y,
    at: &P,
    jvp: impl FnMut(&P::Owned) -> (Y, T),
) -> Result<Report, Failure>
where
    P: Entries + ?Sized,
    Y: Entries<Scalar = P::Scalar>,
    T: Entries<Scalar = P::Scalar>,
{
    Check::new().jvp(f, at, jvp)
}

/// Compares a pullback with finite differences of `f` at the point `at`, with the settings of [`Check::new`].
///
/// `vjp` is the value and the pullback, as companions of [`#[vjp]`](macro@crate::vjp) give them, or a rule of your own.
/// It is asked for the gradient of every entry of the result. The value has to be that of `f`, bit for bit.
///
/// ```
/// use nalgebra::{DMatrix, DVector, dmatrix, dvector};
/// use nalgrad::{check, differentiable, gradient};
///
/// /// Nothing of this can be seen into: its rule is given.
/// #[differentiable(vjp = solve_vjp)]
/// fn solve(a: &DMatrix<f64>, b: &DVector<f64>) -> DVector<f64> {
///     let mut x = b.clone();
///     assert!(a.clone().lu().solve_mut(&mut x), "singular");
///     x
/// }
///
/// #[allow(clippy::type_complexity)]
/// fn solve_vjp(
///     a: &DMatrix<f64>,
///     b: &DVector<f64>,
/// ) -> (DVector<f64>, impl Fn(DVector<f64>) -> (DMatrix<f64>, DVector<f64>)) {
///     let x = solve(a, b);
///     let transposed = a.transpose().lu();
///     (x.clone(), move |x_bar| {
///         let b_bar = transposed.solve(&x_bar).expect("singular");
///         (-&b_bar * x.transpose(), b_bar)
///     })
/// }
///
/// let (a, b) = (dmatrix![2.0, 0.3; -0.4, 1.5], dvector![1.0, -0.7]);
/// check::vjp(|(a, b)| solve(a, b), &(&a, &b), solve_vjp(&a, &b)).unwrap();
///
/// // What is checked is used.
/// #[gradient(wrt(b))]
/// fn compliance(a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
///     let x: DVector<f64> = solve(a, b);
///     x.dot(b)
/// }
///
/// check::gradient(|b| compliance(&a, b), &b, &compliance_gradient(&a, &b)).unwrap();
/// ```
///
/// # Errors
/// If the two disagree, or cannot be compared.
pub fn vjp<P, Y, G>(
    f: impl FnMut(&P::Owned) -> Y,
    at: &P,
    vjp: (Y, impl Fn(Y::Owned) -> G),
) -> Result<Report, Failure>
where
    P: Entries + ?Sized,
    Y: Entries<Scalar = P::Scalar>,
    G: Entries<Scalar = P::Scalar>,
{
    Check::new().vjp(f, at, vjp)
}

/// Settings of a check, and the checks themselves as methods.
///
/// ```
/// use nalgrad::check::Check;
///
/// let check = Check::new().names(["x", "y"]).tolerance(1e-9);
/// check.gradient(|(x, y)| x * y, &(2.0_f64, 3.0), &(3.0, 2.0)).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Check {
    names: Vec<String>,
    tolerance: Option<f64>,
}

impl Check {
    /// The settings that suit most functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names for the parameters, in their order: one, or one for each field of the tuple.
    #[must_use]
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// How far an entry may be off, relative to itself, on top of the error of the numeric derivative.
    ///
    /// By default the power 2/5 of the machine epsilon: 5·10⁻⁷ for `f64`, 0.002 for `f32`.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Compares `gradient` with finite differences of `f` at the point `at`: see [the function](gradient()).
    ///
    /// # Errors
    /// If the two disagree, or cannot be compared.
    pub fn gradient<P, G>(
        &self,
        mut f: impl FnMut(&P::Owned) -> P::Scalar,
        at: &P,
        gradient: &G,
    ) -> Result<Report, Failure>
    where
        P: Entries + ?Sized,
        G: Entries<Scalar = P::Scalar> + ?Sized,
    {
        let shape = at.shape();
        let names = self.parameter_names(&shape)?;
        shape.expect(&gradient.shape(), &names, "gradient")?;
        let analytic: Vec<f64> = entries_of(gradient);
        let comparisons = self.compare::<P>(&mut |p| to_f64(f(p)), at, &names, &analytic, None)?;
        Report { comparisons }.judged()
    }

    /// Compares a Jacobian with finite differences of `f`: see [the function](jacobian()).
    ///
    /// # Errors
    /// If the two disagree, or cannot be compared.
    pub fn jacobian<P, Y, J>(
        &self,
        mut f: impl FnMut(&P::Owned) -> Y,
        at: &P,
        jacobian: &J,
    ) -> Result<Report, Failure>
    where
        P: Entries + ?Sized,
        Y: Entries<Scalar = P::Scalar>,
        J: Entries<Scalar = P::Scalar> + ?Sized,
    {
        let shape = at.shape();
        let names = self.parameter_names(&shape)?;
        let result = f(&at.owned()).shape();
        let (expected, found) = (result.by(&shape), jacobian.shape());
        if expected != found {
            return Err(Failure::Jacobian { expected, found });
        }
        // One block after the other, each column by column.
        let mut rows: Vec<Vec<f64>> = Vec::new();
        let entries = entries_of(jacobian);
        let mut before = 0;
        for part in result.parts() {
            let first = rows.len();
            rows.resize(first + part.entries(), Vec::new());
            for parameter in shape.parameters() {
                for _ in 0..parameter.entries() {
                    for row in &mut rows[first..] {
                        row.push(entries[before]);
                        before += 1;
                    }
                }
            }
        }
        self.compare_rows(&mut f, at, &names, &result, &rows)
    }

    /// Compares forward mode with finite differences of `f`: see [the function](jvp()).
    ///
    /// # Errors
    /// If the two disagree, or cannot be compared.
    pub fn jvp<P, Y, T>(
        &self,
        mut f: impl FnMut(&P::Owned) -> Y,
        at: &P,
        mut jvp: impl FnMut(&P::Owned) -> (Y, T),
    ) -> Result<Report, Failure>
    where
        P: Entries + ?Sized,
        Y: Entries<Scalar = P::Scalar>,
        T: Entries<Scalar = P::Scalar>,
    {
        let shape = at.shape();
        let names = self.parameter_names(&shape)?;
        let value = f(&at.owned());
        let mut rows = vec![Vec::new(); value.count()];
        let mut direction = at.owned();
        let count = at.count();
        for k in 0..count {
            P::set_entry(&mut direction, k, nalgebra::zero());
        }
        for k in 0..count {
            P::set_entry(&mut direction, k, nalgebra::convert(SCALE));
            let (same, tangent) = jvp(&direction);
            P::set_entry(&mut direction, k, nalgebra::zero());
            expect_value(&value, &same)?;
            value
                .shape()
                .expect_of_result(&tangent.shape(), "tangent")?;
            for (row, entry) in rows.iter_mut().zip(entries_of(&tangent)) {
                row.push(entry / SCALE);
            }
        }
        self.compare_rows(&mut f, at, &names, &value.shape(), &rows)
    }

    /// Compares a pullback with finite differences of `f`: see [the function](vjp()).
    ///
    /// # Errors
    /// If the two disagree, or cannot be compared.
    pub fn vjp<P, Y, G>(
        &self,
        mut f: impl FnMut(&P::Owned) -> Y,
        at: &P,
        (same, pullback): (Y, impl Fn(Y::Owned) -> G),
    ) -> Result<Report, Failure>
    where
        P: Entries + ?Sized,
        Y: Entries<Scalar = P::Scalar>,
        G: Entries<Scalar = P::Scalar>,
    {
        let shape = at.shape();
        let names = self.parameter_names(&shape)?;
        let value = f(&at.owned());
        expect_value(&value, &same)?;
        let count = value.count();
        let mut rows = Vec::with_capacity(count);
        for k in 0..count {
            let mut cotangent = value.owned();
            for other in 0..count {
                let entry = if other == k { SCALE } else { 0.0 };
                Y::set_entry(&mut cotangent, other, nalgebra::convert(entry));
            }
            let gradient = pullback(cotangent);
            shape.expect(&gradient.shape(), &names, "gradient")?;
            rows.push(entries_of(&gradient).iter().map(|g| g / SCALE).collect());
        }
        self.compare_rows(&mut f, at, &names, &value.shape(), &rows)
    }

    /// A row of derivatives for each entry of the result.
    fn compare_rows<P, Y>(
        &self,
        f: &mut dyn FnMut(&P::Owned) -> Y,
        at: &P,
        names: &[String],
        result: &Shape,
        rows: &[Vec<f64>],
    ) -> Result<Report, Failure>
    where
        P: Entries + ?Sized,
        Y: Entries<Scalar = P::Scalar>,
    {
        let count = match result {
            Shape::Tuple(parts) => parts.len(),
            _ => 1,
        };
        let parts: Vec<String> = match result {
            Shape::Tuple(_) => (0..count).map(|k| format!(".{k}")).collect(),
            _ => vec![String::new()],
        };
        let mut comparisons = Vec::new();
        for (k, (place, row)) in result.places(&parts).into_iter().zip(rows).enumerate() {
            let mut entry = |p: &P::Owned| to_f64(f(p).entry(k));
            let output = Output {
                part: place.parameter,
                path: place.path,
                entry: place.entry,
            };
            comparisons.extend(self.compare::<P>(&mut entry, at, names, row, Some(&output))?);
        }
        Report { comparisons }.judged()
    }

    /// Derivatives of one number by all entries of the parameters.
    fn compare<P: Entries + ?Sized>(
        &self,
        f: &mut dyn FnMut(&P::Owned) -> f64,
        at: &P,
        names: &[String],
        analytic: &[f64],
        output: Option<&Output>,
    ) -> Result<Vec<Comparison>, Failure> {
        let mut point = at.owned();
        let value = f(&point);
        if !value.is_finite() {
            return Err(Failure::Value(value));
        }

        let epsilon = epsilon::<P::Scalar>();
        let tolerance = self.tolerance.unwrap_or_else(|| epsilon.powf(0.4));
        let places = at.shape().places(names);
        let entries = entries_of(at);
        let scales = Scale::of_each(&entries, &places);
        // How much of the function's value this point has at stake: what is small beside it is rounding.
        let at_stake = (scales.iter().zip(analytic))
            .map(|(scale, slope)| (scale.own * slope).abs())
            .filter(|variation| variation.is_finite())
            .fold(value.abs(), f64::max);

        let comparisons = places
            .into_iter()
            .enumerate()
            .map(|(k, place)| {
                let x = at.entry(k);
                // The value at the point with its k-th entry moved, and how far it has really moved.
                let moved = |by: f64| {
                    let there = x + nalgebra::convert::<f64, P::Scalar>(by);
                    P::set_entry(&mut point, k, there);
                    let value = f(&point);
                    P::set_entry(&mut point, k, x);
                    (to_f64(there) - entries[k], value)
                };
                let mut line = Line {
                    moved,
                    value,
                    epsilon,
                };
                let estimate = line.slope(scales[k], analytic[k]);
                let finding = if !analytic[k].is_finite() {
                    Finding::NotFinite
                } else if let Some((left, right)) = line.kink(scales[k].own) {
                    Finding::Kink { left, right }
                } else if let Some(estimate) = &estimate {
                    estimate.judge(analytic[k], tolerance, tolerance * at_stake / scales[k].own)
                } else {
                    Finding::Undefined
                };
                Comparison {
                    output: output.cloned(),
                    place,
                    analytic: analytic[k],
                    numeric: estimate.as_ref().map_or(f64::NAN, |e| e.slope),
                    uncertainty: estimate.as_ref().map_or(f64::NAN, Estimate::uncertainty),
                    finding,
                }
            })
            .collect();
        Ok(comparisons)
    }

    /// A name for each parameter, empty where there is nothing to tell apart.
    fn parameter_names(&self, shape: &Shape) -> Result<Vec<String>, Failure> {
        let parameters = match shape {
            Shape::Tuple(fields) => fields.len(),
            _ => 1,
        };
        if self.names.len() == parameters {
            return Ok(self.names.clone());
        }
        if !self.names.is_empty() {
            return Err(Failure::Names {
                names: self.names.len(),
                parameters,
            });
        }
        Ok(match shape {
            Shape::Tuple(_) => (0..parameters).map(|k| format!(".{k}")).collect(),
            _ => vec![String::new()],
        })
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Results

/// Derivatives that agree with finite differences, entry by entry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Every entry, in the order of the parameters, matrices in column-major order; these for every entry of the result.
    pub comparisons: Vec<Comparison>,
}

impl Report {
    /// The entries whose derivative is lost in the rounding of the function's value: finite differences accept them,
    /// and would accept any other small number there.
    ///
    /// Scale the function or choose another point if these entries matter. (A derivative that vanishes to rounding, as
    /// at a minimum, is such an entry too.)
    ///
    /// ```
    /// use nalgebra::Vector2;
    /// use nalgrad::check;
    ///
    /// // Nothing of the order of 10⁻¹⁶ is left beside 10¹⁶.
    /// let x = Vector2::new(1e8, 1e-8);
    /// let report = check::gradient(|x| x.norm_squared(), &x, &(x * 2.0)).unwrap();
    /// assert_eq!(report.lost().count(), 1);
    /// ```
    pub fn lost(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons
            .iter()
            .filter(|comparison| comparison.finding == Finding::Lost)
    }

    fn judged(self) -> Result<Self, Failure> {
        if self.failed().next().is_some() {
            Err(Failure::Entries(self))
        } else {
            Ok(self)
        }
    }

    fn failed(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons
            .iter()
            .filter(|comparison| !matches!(comparison.finding, Finding::Agrees | Finding::Lost))
    }
}

/// One entry of a derivative beside its numeric counterpart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// Which entry of the result is differentiated; `None` for the gradient of a number.
    pub output: Option<Output>,
    /// By which entry of the parameters.
    pub place: Place,
    /// The derivative under test.
    pub analytic: f64,
    /// The derivative by finite differences. NaN if there is none.
    pub numeric: f64,
    /// An estimate of the error of `numeric`.
    pub uncertainty: f64,
    /// What the comparison says.
    pub finding: Finding,
}

/// What the comparison of one entry says.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The two derivatives agree.
    Agrees,
    /// They agree, but the uncertainty is as large as the derivative itself: see [`Report::lost`].
    Lost,
    /// They differ.
    Differs,
    /// The derivative under test is infinite or NaN.
    NotFinite,
    /// The function has a kink at this point.
    Kink {
        /// The slope towards smaller values of the entry.
        left: f64,
        /// The slope towards larger ones.
        right: f64,
    },
    /// The finite differences do not converge: a jump or a kink close by, or a noisy function.
    Unsettled,
    /// The function is not finite around this point.
    Undefined,
}

/// Where an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The name of the parameter: as given, else `.0`, `.1`, … for the fields of a tuple, and empty for the only one.
    pub parameter: String,
    /// The way through nested arrays, slices, `Vec`s and tuples.
    pub path: Vec<usize>,
    /// The row and the column in a matrix; `None` for a number.
    pub entry: Option<(usize, usize)>,
}

/// An entry of what a function returns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// The part of a tuple: `.0`, `.1`, …; empty if the function returns no tuple.
    pub part: String,
    /// The way through nested arrays, slices, `Vec`s and tuples.
    pub path: Vec<usize>,
    /// The row and the column in a matrix; `None` for a number.
    pub entry: Option<(usize, usize)>,
}

/// Why a check failed. `Debug` prints the same as `Display`, for the sake of `unwrap()`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Failure {
    /// Some entries disagree or cannot be compared.
    Entries(Report),
    /// A derivative has another shape than it should have.
    Shape {
        /// What it belongs to: a parameter, the result.
        what: String,
        /// What it is, as `gradient`.
        derivative: &'static str,
        /// The shape that it should have.
        expected: Shape,
        /// The shape that it has.
        found: Shape,
    },
    /// A Jacobian has another shape than numerator layout asks for.
    Jacobian {
        /// The shape that it should have.
        expected: Shape,
        /// The shape that it has.
        found: Shape,
    },
    /// The value that comes with a derivative is not the function's, bit for bit.
    OtherValue {
        /// The number of the entry.
        entry: usize,
        /// The function's.
        expected: f64,
        /// The other one.
        found: f64,
    },
    /// The function's value at the point is not finite.
    Value(f64),
    /// As many names as parameters are needed.
    Names {
        /// How many names there are.
        names: usize,
        /// How many parameters there are.
        parameters: usize,
    },
}

impl std::error::Error for Failure {}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More lines than this help nobody.
        const SHOWN: usize = 12;
        match self {
            Failure::Entries(report) => {
                let failed: Vec<_> = report.failed().collect();
                write!(
                    f,
                    "{} of {} entries of the {} do not agree with finite differences",
                    failed.len(),
                    report.comparisons.len(),
                    report.noun()
                )?;
                for comparison in failed.iter().take(SHOWN) {
                    write!(f, "\n  {comparison}")?;
                }
                if failed.len() > SHOWN {
                    write!(f, "\n  … and {} more", failed.len() - SHOWN)?;
                }
                if let Some(hint) = report.hint() {
                    write!(f, "\nhelp: {hint}")?;
                }
                Ok(())
            }
            Failure::Jacobian { expected, found } => {
                write!(f, "the Jacobian should be {expected} but is {found}")
            }
            Failure::Shape {
                what,
                derivative,
                expected,
                found,
            } => write!(f, "{what} is {expected} but its {derivative} is {found}"),
            Failure::OtherValue {
                entry,
                expected,
                found,
            } => write!(
                f,
                "the value that comes with the derivative is not the function's: entry {entry} is {found:?}, not {expected:?}"
            ),
            Failure::Value(value) => {
                write!(f, "the function's value at this point is {value}")
            }
            Failure::Names { names, parameters } => {
                write!(f, "{names} names for {parameters} parameters")
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.comparisons.len();
        write!(f, "{total} entries agree with finite differences")?;
        match self.lost().count() {
            0 => Ok(()),
            lost => write!(f, ", {lost} of them lost in the rounding of the value"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, analytic) = (&self.place, Digits(self.analytic));
        match &self.output {
            Some(output) => write!(f, "{output} by {place}: analytic {analytic}, ")?,
            None => write!(f, "{place}: analytic {analytic}, ")?,
        }
        match self.finding {
            Finding::Kink { left, right } => {
                let (left, right) = (Digits(left), Digits(right));
                write!(
                    f,
                    "but the function has a kink here: its slope is {left} to the left and {right} to the right"
                )
            }
            Finding::Undefined => write!(f, "but the function is not finite around this point"),
            _ => {
                let numeric = Digits(self.numeric);
                write!(f, "numeric {numeric} ± {:.0e}", self.uncertainty)?;
                if self.finding == Finding::Unsettled {
                    write!(f, ", which does not settle as the step shrinks")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((row, column)) = self.entry {
            write!(f, "entry ({row}, {column}) of ")?;
        }
        write!(f, "the result")?;
        write!(f, "{}", self.part)?;
        self.path
            .iter()
            .try_for_each(|index| write!(f, "[{index}]"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameter = display_parameter(&self.parameter);
        match (self.parameter.is_empty(), self.path.as_slice(), self.entry) {
            // Of a lone matrix its entry says all.
            (true, [], Some((row, column))) => write!(f, "entry ({row}, {column})"),
            (_, path, entry) => {
                write!(f, "{parameter}")?;
                for index in path {
                    write!(f, "[{index}]")?;
                }
                match entry {
                    Some((row, column)) => write!(f, ", entry ({row}, {column})"),
                    None => Ok(()),
                }
            }
        }
    }
}

fn display_parameter(name: &str) -> String {
    if name.is_empty() {
        "the parameter".to_owned()
    } else {
        format!("parameter `{name}`")
    }
}

/// A number as people write it: nine digits, and an exponent only where it saves zeros.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = self.0;
        if x == 0.0 || !x.is_finite() {
            return write!(f, "{x}");
        }
        // Rounds to nine digits by way of the decimal text.
        let rounded: f64 = format!("{x:.8e}").parse().unwrap_or(x);
        if (1e-4..1e9).contains(&x.abs()) {
            write!(f, "{rounded}")
        } else {
            write!(f, "{rounded:e}")
        }
    }
}

impl Report {
    fn noun(&self) -> &'static str {
        match self.comparisons.first() {
            Some(Comparison {
                output: Some(_), ..
            }) => "Jacobian",
            _ => "gradient",
        }
    }

    /// The mistakes that show in the numbers: a constant factor, a transposed matrix.
    fn hint(&self) -> Option<String> {
        let all = &self.comparisons;
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-4 * a.abs().max(b.abs());
        let comparable = |c: &&Comparison| c.analytic.is_finite() && c.numeric.is_finite();
        if all.iter().filter(comparable).count() < all.len() {
            return None;
        }
        let matters = |c: &&Comparison| c.numeric.abs() > 1e3 * c.uncertainty || c.analytic != 0.0;

        let first = all.iter().find(matters)?;
        let factor = first.analytic / first.numeric;
        if all.iter().filter(matters).count() > 1
            && factor != 0.0
            && factor.is_finite()
            && (all.iter().filter(matters)).all(|c| close(c.analytic, factor * c.numeric))
        {
            return Some(if close(factor, -1.0) {
                "every entry has the wrong sign".to_owned()
            } else {
                let factor: f64 = format!("{factor:.3e}").parse().unwrap_or(factor);
                format!("every entry is {factor} times what it should be")
            });
        }

        let transposed = |c: &Comparison| {
            let (row, column) = c.place.entry?;
            let place = Place {
                entry: Some((column, row)),
                ..c.place.clone()
            };
            all.iter()
                .find(|other| other.place == place && other.output == c.output)
        };
        let mut failed = self.failed();
        failed
            .all(|c| transposed(c).is_some_and(|other| close(c.analytic, other.numeric)))
            .then(|| "the gradient looks transposed".to_owned())
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Parameters

/// What can be a parameter or its derivative: something made of real numbers in a fixed order.
///
/// Implemented for `f64`, `f32`, nalgebra's matrices (static, dynamic and views), references, arrays, slices, `Vec`s
/// and tuples up to eight. Implement it for a struct of your own to check functions of it.
pub trait Entries {
    /// The type of one entry.
    type Scalar: RealField + Copy;

    /// The type that holds the same entries itself: what the function under test gets a reference to.
    type Owned: Entries<Scalar = Self::Scalar, Owned = Self::Owned>;

    /// A copy that owns its entries.
    fn owned(&self) -> Self::Owned;

    /// How the entries are arranged.
    fn shape(&self) -> Shape;

    /// How many entries there are: as many as the shape has.
    fn count(&self) -> usize;

    /// The entry of this number. Matrices count in column-major order.
    fn entry(&self, index: usize) -> Self::Scalar;

    /// Sets the entry of this number.
    fn set_entry(owned: &mut Self::Owned, index: usize, value: Self::Scalar);
}

macro_rules! number_is_an_entry {
    ($($number:ty)*) => {$(
        impl Entries for $number {
            type Scalar = $number;
            type Owned = $number;

            fn owned(&self) -> $number {
                *self
            }

            fn shape(&self) -> Shape {
                Shape::Scalar
            }

            fn count(&self) -> usize {
                1
            }

            fn entry(&self, _: usize) -> $number {
                *self
            }

            fn set_entry(owned: &mut $number, _: usize, value: $number) {
                *owned = value;
            }
        }
    )*};
}

number_is_an_entry!(f64 f32);

impl<T, R, C, S> Entries for Matrix<T, R, C, S>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
    DefaultAllocator: Allocator<R, C>,
{
    type Scalar = T;
    type Owned = OMatrix<T, R, C>;

    fn owned(&self) -> Self::Owned {
        self.clone_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Matrix {
            rows: self.nrows(),
            columns: self.ncols(),
        }
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn entry(&self, index: usize) -> T {
        self[index]
    }

    fn set_entry(owned: &mut Self::Owned, index: usize, value: T) {
        owned[index] = value;
    }
}

impl<E: Entries + ?Sized> Entries for &E {
    type Scalar = E::Scalar;
    type Owned = E::Owned;

    fn owned(&self) -> E::Owned {
        E::owned(self)
    }

    fn shape(&self) -> Shape {
        E::shape(self)
    }

    fn count(&self) -> usize {
        E::count(self)
    }

    fn entry(&self, index: usize) -> E::Scalar {
        E::entry(self, index)
    }

    fn set_entry(owned: &mut E::Owned, index: usize, value: E::Scalar) {
        E::set_entry(owned, index, value);
    }
}

impl<E: Entries> Entries for [E] {
    type Scalar = E::Scalar;
    type Owned = Vec<E::Owned>;

    fn owned(&self) -> Self::Owned {
        self.iter().map(E::owned).collect()
    }

    fn shape(&self) -> Shape {
        Shape::List(self.iter().map(E::shape).collect())
    }

    fn count(&self) -> usize {
        self.iter().map(E::count).sum()
    }

    fn entry(&self, mut index: usize) -> E::Scalar {
        for part in self {
            let count = part.count();
            if index < count {
                return part.entry(index);
            }
            index -= count;
        }
        panic!("index out of bounds")
    }

    fn set_entry(owned: &mut Self::Owned, index: usize, value: E::Scalar) {
        set_entry_of_list::<E>(owned, index, value);
    }
}

impl<E: Entries> Entries for Vec<E> {
    type Scalar = E::Scalar;
    type Owned = Vec<E::Owned>;

    fn owned(&self) -> Self::Owned {
        self.as_slice().owned()
    }

    fn shape(&self) -> Shape {
        self.as_slice().shape()
    }

    fn count(&self) -> usize {
        self.as_slice().count()
    }

    fn entry(&self, index: usize) -> E::Scalar {
        self.as_slice().entry(index)
    }

    fn set_entry(owned: &mut Self::Owned, index: usize, value: E::Scalar) {
        set_entry_of_list::<E>(owned, index, value);
    }
}

impl<E: Entries, const N: usize> Entries for [E; N] {
    type Scalar = E::Scalar;
    type Owned = [E::Owned; N];

    fn owned(&self) -> Self::Owned {
        self.each_ref().map(E::owned)
    }

    fn shape(&self) -> Shape {
        self.as_slice().shape()
    }

    fn count(&self) -> usize {
        self.as_slice().count()
    }

    fn entry(&self, index: usize) -> E::Scalar {
        self.as_slice().entry(index)
    }

    fn set_entry(owned: &mut Self::Owned, index: usize, value: E::Scalar) {
        set_entry_of_list::<E>(owned, index, value);
    }
}

fn set_entry_of_list<E: Entries>(owned: &mut [E::Owned], mut index: usize, value: E::Scalar) {
    for part in owned {
        let count = part.count();
        if index < count {
            return E::set_entry(part, index, value);
        }
        index -= count;
    }
    panic!("index out of bounds")
}

macro_rules! tuple_has_entries {
    ($($Field:ident $index:tt)*) => {
        impl<Number, $($Field),*> Entries for ($($Field,)*)
        where
            Number: RealField + Copy,
            $($Field: Entries<Scalar = Number>),*
        {
            type Scalar = Number;
            type Owned = ($($Field::Owned,)*);

            fn owned(&self) -> Self::Owned {
                ($(self.$index.owned(),)*)
            }

            fn shape(&self) -> Shape {
                Shape::Tuple(vec![$(self.$index.shape()),*])
            }

            fn count(&self) -> usize {
                0 $(+ self.$index.count())*
            }

            fn entry(&self, index: usize) -> Self::Scalar {
                let passed = 0;
                $(
                    let count = self.$index.count();
                    if index < passed + count {
                        return self.$index.entry(index - passed);
                    }
                    let passed = passed + count;
                )*
                panic!("index {index} of {passed} entries")
            }

            fn set_entry(owned: &mut Self::Owned, index: usize, value: Self::Scalar) {
                let passed = 0;
                $(
                    let count = owned.$index.count();
                    if index < passed + count {
                        return $Field::set_entry(&mut owned.$index, index - passed, value);
                    }
                    let passed = passed + count;
                )*
                panic!("index {index} of {passed} entries")
            }
        }
    };
}

tuple_has_entries!(A 0);
tuple_has_entries!(A 0 B 1);
tuple_has_entries!(A 0 B 1 C 2);
tuple_has_entries!(A 0 B 1 C 2 D 3);
tuple_has_entries!(A 0 B 1 C 2 D 3 E 4);
tuple_has_entries!(A 0 B 1 C 2 D 3 E 4 F 5);
tuple_has_entries!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuple_has_entries!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);

/// How entries are arranged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One number.
    Scalar,
    /// A matrix or vector.
    Matrix {
        /// The number of rows.
        rows: usize,
        /// The number of columns.
        columns: usize,
    },
    /// An array, a slice or a `Vec`.
    List(Vec<Shape>),
    /// A tuple: one parameter a field, if it is not inside another.
    Tuple(Vec<Shape>),
}

impl Shape {
    /// An error unless `found` is the same, for the first parameter where it is not.
    fn expect(
        &self,
        found: &Shape,
        names: &[String],
        derivative: &'static str,
    ) -> Result<(), Failure> {
        let mismatch = |parameter: &str, expected: &Shape, found: &Shape| Failure::Shape {
            what: display_parameter(parameter),
            derivative,
            expected: expected.clone(),
            found: found.clone(),
        };
        match (self, found) {
            _ if self == found => Ok(()),
            (Shape::Tuple(expected), Shape::Tuple(found)) if expected.len() == found.len() => {
                (names.iter().zip(expected).zip(found))
                    .find(|((_, expected), found)| expected != found)
                    .map_or(Ok(()), |((name, expected), found)| {
                        Err(mismatch(name, expected, found))
                    })
            }
            (Shape::Tuple(_), _) => Err(mismatch("", self, found)),
            _ => Err(mismatch(
                names.first().map_or("", String::as_str),
                self,
                found,
            )),
        }
    }

    fn expect_of_result(&self, found: &Shape, derivative: &'static str) -> Result<(), Failure> {
        if self == found {
            return Ok(());
        }
        Err(Failure::Shape {
            what: "the result".to_owned(),
            derivative,
            expected: self.clone(),
            found: found.clone(),
        })
    }

    /// How many entries there are.
    fn entries(&self) -> usize {
        match self {
            Shape::Scalar => 1,
            Shape::Matrix { rows, columns } => rows * columns,
            Shape::List(parts) | Shape::Tuple(parts) => parts.iter().map(Shape::entries).sum(),
        }
    }

    /// The shape of a Jacobian of this by a parameter, or by several.
    fn by(&self, parameter: &Shape) -> Shape {
        match (self, parameter) {
            (Shape::Tuple(parts), _) => {
                Shape::Tuple(parts.iter().map(|p| p.by(parameter)).collect())
            }
            (_, Shape::Tuple(fields)) => {
                Shape::Tuple(fields.iter().map(|field| self.by_one(field)).collect())
            }
            _ => self.by_one(parameter),
        }
    }

    fn by_one(&self, parameter: &Shape) -> Shape {
        match (self, parameter) {
            (Shape::Scalar, Shape::Scalar) => Shape::Scalar,
            _ => Shape::Matrix {
                rows: self.entries(),
                columns: parameter.entries(),
            },
        }
    }

    /// The parts that have Jacobians of their own.
    fn parts(&self) -> Vec<&Shape> {
        match self {
            Shape::Tuple(parts) => parts.iter().flat_map(Shape::parts).collect(),
            part => vec![part],
        }
    }

    fn parameters(&self) -> Vec<&Shape> {
        match self {
            Shape::Tuple(fields) => fields.iter().collect(),
            one => vec![one],
        }
    }

    /// The places of all entries, in their order.
    fn places(&self, names: &[String]) -> Vec<Place> {
        let mut places = Vec::new();
        match self {
            Shape::Tuple(fields) => {
                for (name, field) in names.iter().zip(fields) {
                    field.push_places(name, &mut Vec::new(), &mut places);
                }
            }
            _ => self.push_places(
                names.first().map_or("", String::as_str),
                &mut Vec::new(),
                &mut places,
            ),
        }
        places
    }

    fn push_places(&self, parameter: &str, path: &mut Vec<usize>, places: &mut Vec<Place>) {
        let mut push = |entry| {
            places.push(Place {
                parameter: parameter.to_owned(),
                path: path.clone(),
                entry,
            });
        };
        match self {
            Shape::Scalar => push(None),
            Shape::Matrix { rows, columns } => {
                for column in 0..*columns {
                    for row in 0..*rows {
                        push(Some((row, column)));
                    }
                }
            }
            Shape::List(parts) | Shape::Tuple(parts) => {
                for (k, part) in parts.iter().enumerate() {
                    path.push(k);
                    part.push_places(parameter, path, places);
                    path.pop();
                }
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |parts: &[Shape]| {
            let parts: Vec<_> = parts.iter().map(ToString::to_string).collect();
            parts.join(", ")
        };
        match self {
            Shape::Scalar => write!(f, "a number"),
            Shape::Matrix { rows, columns } => write!(f, "{rows} by {columns}"),
            Shape::List(parts) => match parts.first() {
                Some(first) if parts.iter().all(|part| part == first) => {
                    write!(f, "[{first}; {}]", parts.len())
                }
                _ => write!(f, "[{}]", join(parts)),
            },
            Shape::Tuple(parts) => write!(f, "({})", join(parts)),
        }
    }
}

/// The entries as `f64`.
fn entries_of<E: Entries + ?Sized>(of: &E) -> Vec<f64> {
    (0..of.count()).map(|k| to_f64(of.entry(k))).collect()
}

/// An error unless both are the same bit for bit, any NaN being equal to any other.
fn expect_value<Y: Entries>(value: &Y, same: &Y) -> Result<(), Failure> {
    value
        .shape()
        .expect_of_result(&same.shape(), "value beside the derivative")?;
    let pairs = entries_of(value).into_iter().zip(entries_of(same));
    for (entry, (expected, found)) in pairs.enumerate() {
        if expected.to_bits() != found.to_bits() && !(expected.is_nan() && found.is_nan()) {
            return Err(Failure::OtherValue {
                entry,
                expected,
                found,
            });
        }
    }
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------
// Finite differences

/// The size of directions and cotangents: what forgets to multiply by them shows.
const SCALE: f64 = 2.0;

/// The largest step, relative to the size of what it moves: small, lest it leave the function's domain.
const FIRST_STEP: f64 = 1e-2;

/// How many times the estimated error the two derivatives may differ: the estimate is one.
const ERRORS_ALLOWED: f64 = 8.0;

/// A numeric derivative less certain than this, relative to itself, has not converged.
const UNSETTLED: f64 = 1e-3;

/// What sizes the steps of one entry.
#[derive(Clone, Copy)]
struct Scale {
    /// The size of the entry; of its parameter's largest, if it is zero; else one.
    own: f64,
    /// The size of the parameter's largest entry.
    parameter: f64,
}

impl Scale {
    fn of_each(entries: &[f64], places: &[Place]) -> Vec<Self> {
        let mut scales = Vec::with_capacity(entries.len());
        // The entries of one parameter are neighbours.
        for places in places.chunk_by(|a, b| a.parameter == b.parameter) {
            let start = scales.len();
            let entries = &entries[start..start + places.len()];
            let finite = entries.iter().map(|x| x.abs()).filter(|x| x.is_finite());
            let largest = finite.fold(0.0, f64::max);
            let parameter = if largest > 0.0 { largest } else { 1.0 };
            scales.extend(entries.iter().map(|x| {
                let own = if *x == 0.0 || !x.is_finite() {
                    parameter
                } else {
                    x.abs()
                };
                Self { own, parameter }
            }));
        }
        scales
    }
}

/// The function along one entry.
struct Line<F> {
    /// From a step, how far the entry has really moved (it is rounded) and the function's value there.
    moved: F,
    /// The value where nothing has moved.
    value: f64,
    /// The relative rounding error of values.
    epsilon: f64,
}

/// A numeric derivative.
#[derive(Clone, Copy)]
struct Estimate {
    slope: f64,
    /// The error as the extrapolation sees it.
    error: f64,
    /// The error that the rounding of the function's values explains.
    noise: f64,
}

impl Estimate {
    fn uncertainty(&self) -> f64 {
        self.error.max(self.noise)
    }

    /// `negligible`: a slope so small that it is rounding beside the others.
    fn judge(&self, analytic: f64, tolerance: f64, negligible: f64) -> Finding {
        let size = analytic.abs().max(self.slope.abs());
        let unsettled = self.error > UNSETTLED * size
            && self.error > 100.0 * self.noise
            && self.error > negligible;
        let allowed = ERRORS_ALLOWED * self.uncertainty();
        // Written so that NaN does not agree.
        let agrees = (analytic - self.slope).abs() <= tolerance * size + allowed;
        if unsettled {
            Finding::Unsettled
        } else if !agrees {
            Finding::Differs
        } else if analytic != 0.0 && allowed >= size {
            Finding::Lost
        } else {
            Finding::Agrees
        }
    }
}

impl<F: FnMut(f64) -> (f64, f64)> Line<F> {
    /// The derivative by finite differences, as certain as a few sizes of the first step allow.
    fn slope(&mut self, scale: Scale, analytic: f64) -> Option<Estimate> {
        let own = scale.own * FIRST_STEP;
        let parameter = scale.parameter * FIRST_STEP;
        // Smaller steps see finer structure, and kinks that are near; larger ones round less.
        let larger = (parameter > own).then_some(parameter);
        let smaller = [1e-2, 1e-4, 1e-6, 1e-8].map(|factor| own * factor);
        let mut best: Option<Estimate> = None;
        for step in [own].into_iter().chain(larger).chain(smaller) {
            let Some(estimate) = self.extrapolate(step) else {
                continue;
            };
            if best.is_none_or(|best| estimate.uncertainty() < best.uncertainty()) {
                best = Some(estimate);
            }
            let best = best.unwrap_or(estimate);
            let size = best.slope.abs().max(analytic.abs());
            let independent = best.slope == 0.0 && best.error == 0.0 && analytic == 0.0;
            if independent || best.uncertainty() <= self.epsilon.sqrt() * size {
                break;
            }
        }
        best
    }

    /// Ridders' method: central differences at steps that shrink from `step` on, extrapolated to the step zero.
    fn extrapolate(&mut self, step: f64) -> Option<Estimate> {
        /// How often the step shrinks, at most.
        const LEVELS: usize = 10;
        /// By how much. The error of a central difference has only even powers of the step.
        const RATIO: f64 = 1.4;
        /// The extrapolation has become worse than its best by this factor: rounding has taken over.
        const WORSE: f64 = 2.0;

        let mut best: Option<Estimate> = None;
        // The last row of Neville's scheme: extrapolations of the orders 2, 4, 6, …
        let mut previous: Vec<f64> = Vec::with_capacity(LEVELS);
        let mut step = step;
        for _ in 0..LEVELS {
            let current_step = step;
            step /= RATIO;
            let Some((difference, noise)) = self.central_difference(current_step) else {
                // Outside the domain: start again closer.
                previous.clear();
                continue;
            };
            let mut row = vec![difference];
            let mut power = 1.0;
            for (order, coarse) in previous.iter().enumerate() {
                power *= RATIO * RATIO;
                let fine = row[order];
                let slope = (power * fine - coarse) / (power - 1.0);
                row.push(slope);
                let error = (slope - fine).abs().max((slope - coarse).abs());
                let estimate = Estimate {
                    slope,
                    error,
                    noise,
                };
                if best.is_none_or(|best| estimate.uncertainty() < best.uncertainty()) {
                    best = Some(estimate);
                }
            }
            let grown = match (row.last(), previous.last()) {
                (Some(new), Some(old)) => (new - old).abs(),
                _ => 0.0,
            };
            if best.is_some_and(|best| grown >= WORSE * best.uncertainty()) && row.len() > 2 {
                break;
            }
            previous = row;
        }
        best
    }

    /// The slope between both sides, and how much of it may be rounding. `None` where the function is not finite.
    fn central_difference(&mut self, step: f64) -> Option<(f64, f64)> {
        let (ahead, upper) = (self.moved)(step);
        let (behind, lower) = (self.moved)(-step);
        let width = ahead - behind;
        let slope = (upper - lower) / width;
        // Extrapolation amplifies the rounding of the values a little.
        let noise = 4.0 * self.epsilon * upper.abs().max(lower.abs()) / width;
        (width > 0.0 && slope.is_finite() && noise.is_finite()).then_some((slope, noise))
    }

    /// The slopes on both sides, if they differ at all steps alike: a kink. With a mere curvature they would differ in
    /// proportion to the step.
    fn kink(&mut self, scale: f64) -> Option<(f64, f64)> {
        let (left, right, _) = self.one_sided_slopes(scale * self.epsilon.cbrt())?;
        let gap = right - left;
        let (left, right, noise) = self.one_sided_slopes(scale * self.epsilon.sqrt())?;
        let closer_gap = right - left;
        let is_kink = closer_gap.abs() > 50.0 * noise
            && closer_gap.abs() > UNSETTLED * left.abs().max(right.abs())
            && (gap - closer_gap).abs() <= 0.1 * closer_gap.abs();
        is_kink.then_some((left, right))
    }

    fn one_sided_slopes(&mut self, step: f64) -> Option<(f64, f64, f64)> {
        let (ahead, upper) = (self.moved)(step);
        let (behind, lower) = (self.moved)(-step);
        let right = (upper - self.value) / ahead;
        let left = (lower - self.value) / behind;
        let noise = self.epsilon * self.value.abs() / ahead.min(-behind);
        (left.is_finite() && right.is_finite() && noise.is_finite()).then_some((left, right, noise))
    }
}

fn epsilon<T: RealField + Copy>() -> f64 {
    to_f64(T::default_epsilon())
}

fn to_f64<T: RealField + Copy>(x: T) -> f64 {
    nalgebra::try_convert(x).unwrap_or(f64::NAN)
}
