//! Compare a gradient with finite differences: for the tests of code that differentiates, whether by hand, with
//! [`#[gradient]`](macro@crate::gradient) or by other means.
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
        shape.expect(&gradient.shape(), &names)?;

        let mut point = at.owned();
        let value = to_f64(f(&point));
        if !value.is_finite() {
            return Err(Failure::Value(value));
        }

        let epsilon = epsilon::<P::Scalar>();
        let tolerance = self.tolerance.unwrap_or_else(|| epsilon.powf(0.4));
        let places = shape.places(&names);
        let entries: Vec<f64> = (0..places.len()).map(|k| to_f64(at.entry(k))).collect();
        let analytic: Vec<f64> = (0..places.len())
            .map(|k| to_f64(gradient.entry(k)))
            .collect();
        let scales = Scale::of_each(&entries, &places);
        // How much of the function's value this point has at stake: what is small beside it is rounding.
        let at_stake = (scales.iter().zip(&analytic))
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
                    let value = to_f64(f(&point));
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
                    place,
                    analytic: analytic[k],
                    numeric: estimate.as_ref().map_or(f64::NAN, |e| e.slope),
                    uncertainty: estimate.as_ref().map_or(f64::NAN, Estimate::uncertainty),
                    finding,
                }
            })
            .collect();
        let report = Report { comparisons };
        if report.failed().next().is_some() {
            Err(Failure::Entries(report))
        } else {
            Ok(report)
        }
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

/// A gradient that agrees with finite differences, entry by entry.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Every entry, in the order of the parameters, matrices in column-major order.
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

    fn failed(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons
            .iter()
            .filter(|comparison| !matches!(comparison.finding, Finding::Agrees | Finding::Lost))
    }
}

/// One entry of the gradient beside its numeric counterpart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// Which entry.
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

/// Why a check failed. `Debug` prints the same as `Display`, for the sake of `unwrap()`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Failure {
    /// Some entries disagree or cannot be compared.
    Entries(Report),
    /// The gradient has another shape than the parameter.
    Shape {
        /// The name of the parameter concerned, empty if it is the only one.
        parameter: String,
        /// The shape of the parameter.
        expected: Shape,
        /// The shape of the gradient.
        found: Shape,
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
                    "{} of {} entries of the gradient do not agree with finite differences",
                    failed.len(),
                    report.comparisons.len()
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
            Failure::Shape {
                parameter,
                expected,
                found,
            } => {
                let parameter = display_parameter(parameter);
                write!(f, "{parameter} is {expected} but its gradient is {found}")
            }
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
        write!(f, "{place}: analytic {analytic}, ")?;
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
            all.iter().find(|other| other.place == place)
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
    fn expect(&self, found: &Shape, names: &[String]) -> Result<(), Failure> {
        let mismatch = |parameter: &str, expected: &Shape, found: &Shape| Failure::Shape {
            parameter: parameter.to_owned(),
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

// ---------------------------------------------------------------------------------------------------------------
// Finite differences

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
