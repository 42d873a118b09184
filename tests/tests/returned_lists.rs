//! Results that are a `Vec` of a length which only the run tells.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{DMatrix, DVector, Matrix2, Vector2, Vector3};
use nalgrad::{differentiable, gradient, jacobian, jvp, vjp};

/// The entries of a result, one after the other.
trait Entries {
    fn entries(&self) -> Vec<f64>;
    fn with_entries(&self, entries: &mut dyn Iterator<Item = f64>) -> Self;
}

impl Entries for f64 {
    fn entries(&self) -> Vec<f64> {
        vec![*self]
    }
    fn with_entries(&self, entries: &mut dyn Iterator<Item = f64>) -> Self {
        entries.next().unwrap()
    }
}

macro_rules! matrices {
    ($($ty:ty),*) => {$(
        impl Entries for $ty {
            fn entries(&self) -> Vec<f64> {
                self.iter().copied().collect()
            }
            fn with_entries(&self, entries: &mut dyn Iterator<Item = f64>) -> Self {
                self.map(|_| entries.next().unwrap())
            }
        }
    )*};
}

matrices!(Vector2<f64>, Vector3<f64>, Matrix2<f64>, DVector<f64>);

impl<T: Entries> Entries for Vec<T> {
    fn entries(&self) -> Vec<f64> {
        self.iter().flat_map(Entries::entries).collect()
    }
    fn with_entries(&self, entries: &mut dyn Iterator<Item = f64>) -> Self {
        self.iter().map(|e| e.with_entries(entries)).collect()
    }
}

impl<A: Entries, B: Entries> Entries for (A, B) {
    fn entries(&self) -> Vec<f64> {
        [self.0.entries(), self.1.entries()].concat()
    }
    fn with_entries(&self, entries: &mut dyn Iterator<Item = f64>) -> Self {
        (self.0.with_entries(entries), self.1.with_entries(entries))
    }
}

fn plus(x: &[f64], dx: &[f64], t: f64) -> Vec<f64> {
    x.iter().zip(dx).map(|(x, dx)| x + t * dx).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Compares tangents and cotangents of a function with differences.
fn check<Y: Entries + PartialEq + std::fmt::Debug>(
    x: &[f64],
    f: impl Fn(&[f64]) -> Y,
    jvp: impl Fn(&[f64], &[f64]) -> (Y, Y),
    pulled_back: impl Fn(&[f64], Y) -> (Y, Vec<f64>),
) {
    let value = f(x);
    let count = value.entries().len();
    let bar: Vec<f64> = (0..count).map(|k| 0.7 - 0.3 * k as f64).collect();
    let cotangent = value.with_entries(&mut bar.iter().copied());
    let (same, x_bar) = pulled_back(x, cotangent);
    assert_eq!(same, value);
    for i in 0..x.len() {
        let mut dx = vec![0.1; x.len()];
        dx[i] = 1.0;
        let (same, tangent) = jvp(x, &dx);
        assert_eq!(same, value);
        let tangent = tangent.entries();
        assert_eq!(tangent.len(), count);
        for (k, tangent) in tangent.iter().enumerate() {
            let along = slope(|t| f(&plus(x, &dx, t / 20.0)).entries()[k]) * 20.0;
            assert_close(*tangent, along);
        }
        assert_close(dot(&x_bar, &dx), dot(&bar, &tangent));
    }
}

/// Compares a Jacobian with differences.
fn check_jacobian<Y: Entries>(
    x: &[f64],
    f: impl Fn(&[f64]) -> Y,
    jacobian: impl Fn(&[f64]) -> DMatrix<f64>,
) {
    let found = jacobian(x);
    assert_eq!(found.shape(), (f(x).entries().len(), x.len()));
    for j in 0..x.len() {
        let mut dx = vec![0.0; x.len()];
        dx[j] = 1.0;
        for i in 0..found.nrows() {
            let along = slope(|t| f(&plus(x, &dx, t / 20.0)).entries()[i]) * 20.0;
            assert_close(found[(i, j)], along);
        }
    }
}

macro_rules! pulled_back {
    ($vjp:ident) => {
        |x, y_bar| {
            let (value, pullback) = $vjp(x);
            (value, pullback(y_bar))
        }
    };
}

macro_rules! lists {
    ($($name:ident $jvp:ident $vjp:ident $jacobian:ident;)*) => {$(
        #[test]
        fn $jacobian() {
            for x in [&[0.7, -0.4, 1.3, 0.6, -1.1][..], &[2.1, 0.4], &[]] {
                check(x, $name, $jvp, pulled_back!($vjp));
                check_jacobian(x, $name, super::$jacobian);
            }
        }
    )*};
}

mod tests {
    use super::*;
    lists! {
        squares squares_jvp squares_vjp squares_jacobian;
        pushed pushed_jvp pushed_vjp pushed_jacobian;
        chosen chosen_jvp chosen_vjp chosen_jacobian;
        running running_jvp running_vjp running_jacobian;
        convolved convolved_jvp convolved_vjp convolved_jacobian;
        steps steps_jvp steps_vjp steps_jacobian;
        turned turned_jvp turned_vjp turned_jacobian;
        powers powers_jvp powers_vjp powers_jacobian;
        scaled scaled_jvp scaled_vjp scaled_jacobian;
    }
}

#[jvp]
#[vjp]
#[jacobian]
fn squares(x: &[f64]) -> Vec<f64> {
    x.iter().map(|v| v * v).collect()
}

#[jvp]
#[vjp]
#[jacobian]
fn pushed(x: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(x.len());
    for v in x {
        out.push(v.sin());
    }
    out
}

#[jvp]
#[vjp]
#[jacobian]
fn chosen(x: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    for v in x {
        if *v > 0.0 {
            out.push(v.sin());
            out.push(v * 2.0);
        }
    }
    out
}

#[jvp]
#[vjp]
#[jacobian]
fn running(x: &[f64]) -> Vec<f64> {
    let mut sums = x.to_vec();
    for i in 1..sums.len() {
        sums[i] += sums[i - 1] * x[i];
    }
    sums
}

#[jvp]
#[vjp]
#[jacobian]
fn convolved(x: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; x.len() + 2];
    for i in 0..x.len() {
        for j in 0..3 {
            out[i + j] += x[i] * x[i] * j as f64;
        }
    }
    out
}

#[jvp]
#[vjp]
#[jacobian]
fn steps(x: &[f64]) -> Vec<Vector3<f64>> {
    let mut out = Vec::new();
    for w in x.windows(2) {
        out.push(Vector3::new(w[1] - w[0], w[0] * w[1], 1.0));
    }
    out
}

#[jvp]
#[vjp]
#[jacobian]
fn turned(x: &[f64]) -> Vec<Matrix2<f64>> {
    x.iter()
        .map(|v| Matrix2::new(v.cos(), -v.sin(), v.sin(), v.cos()))
        .collect()
}

#[jvp]
#[vjp]
#[jacobian]
fn powers(x: &[f64]) -> Vec<Vec<f64>> {
    let mut table = vec![vec![1.0; 3]; x.len()];
    for i in 0..x.len() {
        for j in 1..3 {
            table[i][j] = table[i][j - 1] * x[i];
        }
    }
    table
}

#[jvp]
#[vjp]
#[jacobian]
fn scaled(x: &[f64]) -> Vec<DVector<f64>> {
    let whole = DVector::from_column_slice(x);
    x.iter().map(|v| &whole * *v).collect()
}

/// A list beside a number, and lists in a list of a length that is known.
#[jvp]
#[vjp]
fn with_sum(x: &[f64]) -> (Vec<f64>, f64) {
    let roots: Vec<f64> = x.iter().map(|v| (1.0 + v * v).sqrt()).collect();
    let sum = roots.iter().sum();
    (roots, sum)
}

#[jvp]
#[vjp]
fn two(x: &[f64]) -> Vec<Vec<f64>> {
    let sines: Vec<f64> = x.iter().map(|v| v.sin()).collect();
    let cosines: Vec<f64> = x.iter().map(|v| v.cos()).collect();
    vec![sines, cosines]
}

#[test]
fn lists_among_others() {
    for x in [&[0.7, -0.4, 1.3][..], &[]] {
        check(x, with_sum, with_sum_jvp, pulled_back!(with_sum_vjp));
        check(x, two, two_jvp, pulled_back!(two_vjp));
    }
}

#[jvp]
#[vjp]
#[jacobian]
fn shares(x: &[f64]) -> Option<Vec<f64>> {
    let total: f64 = x.iter().sum();
    if total <= 0.0 {
        return None;
    }
    Some(x.iter().map(|v| v / total).collect())
}

#[test]
fn a_list_that_may_be_absent() {
    let f = |x: &[f64]| shares(x).unwrap();
    let x = [0.7, 0.4, 1.3];
    check(
        &x,
        f,
        |x, dx| shares_jvp(x, dx).unwrap(),
        |x, y_bar| {
            let (value, pullback) = shares_vjp(x).unwrap();
            (value, pullback(y_bar))
        },
    );
    check_jacobian(&x, f, |x| shares_jacobian(x).unwrap());
    assert!(shares_jvp(&[-1.0], &[1.0]).is_none());
    assert!(shares_vjp(&[-1.0]).is_none());
    assert!(shares_jacobian(&[-1.0]).is_none());
}

/// The parameter itself, and one that is not differentiated.
#[jvp]
#[vjp]
#[jacobian]
fn itself(x: Vec<f64>) -> Vec<f64> {
    x
}

#[jvp]
#[vjp]
#[jacobian]
fn copied(x: &[Vector2<f64>]) -> Vec<Vector2<f64>> {
    x.to_vec()
}

#[test]
fn what_is_returned_as_it_is() {
    let x = vec![0.7, -0.4];
    let (same, tangent) = itself_jvp(x.clone(), vec![1.0, 2.0]);
    assert_eq!((same, tangent), (x.clone(), vec![1.0, 2.0]));
    let (same, pullback) = itself_vjp(x.clone());
    assert_eq!(
        (same, pullback(vec![3.0, 4.0])),
        (x.clone(), vec![3.0, 4.0])
    );
    assert_eq!(itself_jacobian(x), DMatrix::identity(2, 2));
    let x = vec![Vector2::new(0.7, -0.4), Vector2::new(1.2, 0.1)];
    assert_eq!(copied_jvp(&x, &x), (x.clone(), x.clone()));
    let (same, pullback) = copied_vjp(&x);
    assert_eq!((same, pullback(x.clone())), (x.clone(), x.clone()));
    assert_eq!(copied_jacobian(&x), DMatrix::identity(4, 4));
}

#[jvp]
#[vjp]
#[jacobian]
fn called(x: &[f64]) -> Vec<f64> {
    residuals(x)
}

#[jvp]
#[vjp]
#[jacobian]
fn generic<const N: usize>(x: &[f64; N]) -> [f64; N] {
    let mut y = *x;
    for i in 1..N {
        y[i] *= y[i - 1];
    }
    y
}

#[test]
fn results_of_calls_and_generic_arrays() {
    let x = [0.7, -0.4, 1.3];
    check(&x, called, called_jvp, pulled_back!(called_vjp));
    check_jacobian(&x, called, called_jacobian);
    let f = |x: &[f64]| generic::<3>(x.try_into().unwrap()).to_vec();
    let dx = [0.3, 1.1, -0.5];
    let (_, tangent) = generic_jvp(&x, &dx);
    let (_, pullback) = generic_vjp(&x);
    let jacobian = generic_jacobian(&x);
    let by_jacobian = jacobian * Vector3::from(dx);
    for (i, tangent) in tangent.iter().enumerate() {
        assert_close(*tangent, slope(|t| f(&plus(&x, &dx, t))[i]));
        assert_close(*tangent, by_jacobian[i]);
    }
    let y_bar = [1.0, -2.0, 0.5];
    assert_close(dot(&pullback(y_bar), &dx), dot(&y_bar, &tangent));
}

#[test]
#[should_panic(expected = "assertion")]
fn a_cotangent_of_another_length() {
    squares_vjp(&[1.0, 2.0]).1(vec![1.0; 3]);
}

#[differentiable]
fn residuals(x: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    for w in x.windows(2) {
        out.push(10.0 * (w[1] - w[0] * w[0]));
        out.push(1.0 - w[0]);
    }
    out
}

#[gradient]
#[nalgrad::hessian]
#[nalgrad::hvp]
fn rosenbrock(x: &[f64]) -> f64 {
    let residuals: Vec<f64> = residuals(x);
    residuals.iter().map(|r| r * r).sum()
}

#[test]
fn a_list_that_a_call_returns() {
    let x = [0.7, -0.4, 1.3];
    let (value, gradient) = rosenbrock_value_and_gradient(&x);
    assert_eq!(value.to_bits(), rosenbrock(&x).to_bits());
    let hessian = rosenbrock_hessian(&x);
    for i in 0..3 {
        let mut dx = [0.0; 3];
        dx[i] = 1.0;
        let along = |t: f64| plus(&x, &dx, t / 20.0);
        assert_close(gradient[i], slope(|t| rosenbrock(&along(t))) * 20.0);
        let (_, product) = rosenbrock_hvp(&x, &dx);
        for j in 0..3 {
            let second = slope(|t| rosenbrock_gradient(&along(t))[j]) * 20.0;
            assert!((product[j] - second).abs() < 1e-7 * (1.0 + second.abs()));
            assert_close(hessian[(i, j)], product[j]);
        }
    }
}
