//! Expected values by means of their own: plain loops, Laplace's expansion, differences; and how results are compared.
#![allow(dead_code, unused_macros)]

use nalgebra::{
    DMatrix, DVector, DefaultAllocator, Dim, Matrix, OMatrix, RawStorage, SMatrix, Scalar,
    allocator::Allocator,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A linear congruential generator (Knuth's MMIX): the same inputs everywhere.
pub struct Lcg(pub u64);

impl Lcg {
    /// Uniform in [-1, 1).
    pub fn draw(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub fn fixed<const R: usize, const C: usize>(&mut self) -> SMatrix<f64, R, C> {
        SMatrix::from_fn(|_, _| self.draw())
    }

    pub fn vector(&mut self, n: usize) -> DVector<f64> {
        DVector::from_fn(n, |_, _| self.draw())
    }

    pub fn matrix(&mut self, rows: usize, columns: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| self.draw())
    }
}

/// What a gradient may be, as numbers in column-major order, with its shape.
pub trait Entries {
    fn entries(&self) -> Vec<f64>;
    fn shape(&self) -> Vec<(usize, usize)>;
}

impl Entries for f64 {
    fn entries(&self) -> Vec<f64> {
        vec![*self]
    }
    fn shape(&self) -> Vec<(usize, usize)> {
        vec![(1, 1)]
    }
}

impl Entries for f32 {
    fn entries(&self) -> Vec<f64> {
        vec![f64::from(*self)]
    }
    fn shape(&self) -> Vec<(usize, usize)> {
        vec![(1, 1)]
    }
}

impl<T: Scalar + Entries, R: Dim, C: Dim, S: RawStorage<T, R, C>> Entries for Matrix<T, R, C, S> {
    fn entries(&self) -> Vec<f64> {
        self.iter().flat_map(Entries::entries).collect()
    }
    fn shape(&self) -> Vec<(usize, usize)> {
        vec![self.shape()]
    }
}

impl<T: Entries> Entries for Vec<T> {
    fn entries(&self) -> Vec<f64> {
        self.iter().flat_map(Entries::entries).collect()
    }
    fn shape(&self) -> Vec<(usize, usize)> {
        self.iter().flat_map(Entries::shape).collect()
    }
}

impl<T: Entries, const N: usize> Entries for [T; N] {
    fn entries(&self) -> Vec<f64> {
        self.iter().flat_map(Entries::entries).collect()
    }
    fn shape(&self) -> Vec<(usize, usize)> {
        self.iter().flat_map(Entries::shape).collect()
    }
}

macro_rules! tuple_entries {
    ($($t:ident $i:tt),*) => {
        impl<$($t: Entries),*> Entries for ($($t,)*) {
            fn entries(&self) -> Vec<f64> {
                [$(self.$i.entries()),*].concat()
            }
            fn shape(&self) -> Vec<(usize, usize)> {
                [$(self.$i.shape()),*].concat()
            }
        }
    };
}
tuple_entries!(A 0, B 1);
tuple_entries!(A 0, B 1, C 2);
tuple_entries!(A 0, B 1, C 2, D 3);

/// How far an entry may be off.
#[derive(Clone, Copy)]
pub enum Tolerance {
    /// This share of the expected entry: an expected zero must be zero, an infinity that infinity.
    Entrywise(f64),
    /// This share of the largest expected entry (or of 1): where entries are differences of larger numbers.
    Normwise(f64),
}

/// Why `got` is not `want`, if it is not. The types being equal is the first half of the test.
pub fn difference<G: Entries>(got: &G, want: &G, tolerance: Tolerance) -> Option<String> {
    let (shape, expected) = (got.shape(), want.shape());
    if shape != expected {
        return Some(format!("has shape {shape:?}, not {expected:?}"));
    }
    let (got, want) = (got.entries(), want.entries());
    let largest = want.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
    got.iter().zip(&want).enumerate().find_map(|(i, (&g, &w))| {
        let allowed = match tolerance {
            Tolerance::Entrywise(t) => t * w.abs(),
            Tolerance::Normwise(t) => t * largest,
        };
        let near =
            g == w || (g.is_nan() && w.is_nan()) || (w.is_finite() && (g - w).abs() <= allowed);
        (!near).then(|| format!("entry {i} is {g:e}, not {w:e} (all: {got:?}, not {want:?})"))
    })
}

/// Why the companion's value is not `f`'s bit for bit (any NaN equal to any NaN), if it is not.
pub fn value_difference<S: Entries>(got: S, want: S) -> Option<String> {
    let (shape, expected) = (got.shape(), want.shape());
    if shape != expected {
        return Some(format!("value has shape {shape:?}, not {expected:?}"));
    }
    let mut entries = got.entries().into_iter().zip(want.entries());
    let different = |a: f64, b: f64| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan());
    let (got, want) = entries.find(|(a, b)| different(*a, *b))?;
    Some(format!("value is {got:e}, not {want:e}"))
}

/// Why this is not that gradient as a row: a number for a number, else 1 × n.
pub fn row_difference<J: Entries, G: Entries>(
    got: &J,
    gradient: &G,
    tolerance: Tolerance,
) -> Option<String> {
    let want = gradient.entries();
    if got.shape() != [(1, want.len())] {
        return Some(format!("has shape {:?}, not a row", got.shape()));
    }
    difference(&got.entries(), &want, tolerance)
}

pub fn assert_same(name: &str, difference: Option<String>) {
    if let Some(difference) = difference {
        panic!("{name}: {difference}");
    }
}

/// `check!(f, f_gradient, f_value_and_gradient; (arguments) => expected)`: both companions give that gradient, of that
/// type and shape, entrywise within 1e-12 (or the tolerance given last), and the same value as `f`.
macro_rules! check {
    ($f:path, $gradient:path, $both:path; ($($argument:expr),*) => $want:expr) => {
        check!($f, $gradient, $both; ($($argument),*) => $want, crate::oracle::Tolerance::Entrywise(1e-12))
    };
    ($f:path, $gradient:path, $both:path; ($($argument:expr),*) => $want:expr, $tolerance:expr) => {{
        use crate::oracle::{assert_same, difference, value_difference};
        // Not folded: `max` of 0 and −0 may be either, and should be the same each time.
        use std::hint::black_box;
        let want = $want;
        let (value, gradient) = $both($(black_box($argument)),*);
        assert_same(stringify!($both), value_difference(value, $f($(black_box($argument)),*)));
        assert_same(stringify!($both), difference(&gradient, &want, $tolerance));
        let gradient = $gradient($(black_box($argument)),*);
        assert_same(stringify!($gradient), difference(&gradient, &want, $tolerance));
    }};
}

/// `check_hessian!(f, f_hessian, f_value_gradient_and_hessian; (arguments) => gradient, hessian)`: both companions give
/// these, of these types and shapes, within 1e-12 of the largest entry, the Hessian exactly symmetric, and the value of `f`.
macro_rules! check_hessian {
    ($f:path, $hessian:path, $all:path; ($($argument:expr),*) => $want_gradient:expr, $want:expr) => {{
        use crate::oracle::{Tolerance, assert_same, difference, value_difference};
        use std::hint::black_box;
        let close = Tolerance::Normwise(1e-12);
        let (value, gradient, hessian) = $all($(black_box($argument)),*);
        assert_same(stringify!($all), value_difference(value, $f($(black_box($argument)),*)));
        assert_same(stringify!($all), difference(&gradient, &$want_gradient, close));
        let alone = $hessian($(black_box($argument)),*);
        for hessian in [hessian, alone] {
            assert_same(stringify!($hessian), difference(&hessian, &$want, close));
            assert_same(stringify!($hessian), value_difference(hessian.transpose(), hessian));
        }
    }};
}

/// The derivative of `f` at `x` by central differences, extrapolated twice: an error of order h⁶, about 1e-11.
pub fn slope(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    let central = |h: f64| (f(x + h) - f(x - h)) / (2.0 * h);
    let [d0, d1, d2] = [128.0_f64, 256.0, 512.0].map(|n| central(n.recip()));
    let (e0, e1) = ((4.0 * d1 - d0) / 3.0, (4.0 * d2 - d1) / 3.0);
    (16.0 * e1 - e0) / 15.0
}

/// The gradient of `f` at `x` by [`slope`], each entry for itself.
pub fn slopes<R: Dim, C: Dim>(
    x: &OMatrix<f64, R, C>,
    f: impl Fn(&OMatrix<f64, R, C>) -> f64,
) -> OMatrix<f64, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut gradient = x.clone();
    for i in 0..x.len() {
        gradient[i] = slope(x[i], |t| {
            let mut moved = x.clone();
            moved[i] = t;
            f(&moved)
        });
    }
    gradient
}

/// Within 1e-9 of the norm: what [`slope`] is good for.
pub const BY_DIFFERENCES: Tolerance = Tolerance::Normwise(1e-9);

fn minor(m: &DMatrix<f64>, i: usize, j: usize) -> DMatrix<f64> {
    m.clone().remove_row(i).remove_column(j)
}

/// The determinant by Laplace's expansion along the first row.
pub fn determinant(m: &DMatrix<f64>) -> f64 {
    if m.is_empty() {
        return 1.0;
    }
    (0..m.ncols())
        .map(|j| sign(j) * m[(0, j)] * determinant(&minor(m, 0, j)))
        .sum()
}

/// The cofactors: the derivative of the determinant.
pub fn cofactors(m: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| {
        sign(i + j) * determinant(&minor(m, i, j))
    })
}

/// The inverse by Cramer's rule.
pub fn inverse(m: &DMatrix<f64>) -> DMatrix<f64> {
    cofactors(m).transpose() / determinant(m)
}

fn sign(i: usize) -> f64 {
    if i.is_multiple_of(2) { 1.0 } else { -1.0 }
}

/// A product by three loops.
pub fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| {
        (0..a.ncols()).map(|k| a[(i, k)] * b[(k, j)]).sum()
    })
}

/// The same matrix with dynamic sizes.
pub fn dynamic<const R: usize, const C: usize>(m: &SMatrix<f64, R, C>) -> DMatrix<f64> {
    DMatrix::from_fn(R, C, |i, j| m[(i, j)])
}

/// The same matrix with static sizes.
pub fn fixed<const R: usize, const C: usize>(m: &DMatrix<f64>) -> SMatrix<f64, R, C> {
    assert_eq!(m.shape(), (R, C));
    SMatrix::from_fn(|i, j| m[(i, j)])
}

/// What `f` panics with.
pub fn panic_message<R>(f: impl FnOnce() -> R) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    Some(
        text.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string()))
            .expect("a panic with a text"),
    )
}
