//! Matrices made by `from_fn`, whose entries are taken from computed places, and slices of entries.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

use nalgebra::{
    DMatrix, DVector, Matrix2, Matrix2x3, Matrix3, Matrix3x2, RealField, RowDVector, SMatrix,
    SVector, Vector2, Vector3, Vector6,
};
use nalgrad::{check, gradient, hvp, jvp, vjp};

fn vector(n: usize) -> DVector<f64> {
    DVector::from_fn(n, |i, _| 0.3 + 0.4 * i as f64 - 0.05 * (i * i) as f64)
}

fn matrix(r: usize, c: usize) -> DMatrix<f64> {
    DMatrix::from_fn(r, c, |i, j| 0.2 + 0.3 * i as f64 - 0.1 * (j * j) as f64)
}

/// The gradient against differences, and the value bit for bit.
macro_rules! checked {
    ($f:ident, $both:ident, $x:expr) => {{
        let x = $x;
        let (value, slope) = $both(&x);
        assert_eq!(value.to_bits(), $f(&x).to_bits());
        check::gradient(|x| $f(x), &x, &slope).unwrap();
        slope
    }};
}

// ---- each entry at its own place: an elementwise method ----

#[gradient(wrt(x, b))]
fn same_place(x: &DVector<f64>, b: f64) -> f64 {
    DVector::from_fn(x.len(), |i, _| x[i] * 2.0 + b).norm_squared()
}

#[test]
fn the_same_place_is_one_pass() {
    let (x, b) = (vector(5), 0.7);
    let (dx, db) = same_place_gradient(&x, b);
    check::gradient(|x| same_place(x, b), &x, &dx).unwrap();
    check::gradient(|b| same_place(&x, *b), &b, &db).unwrap();
}

// ---- other places ----

#[gradient]
fn kernel(x: &DVector<f64>) -> f64 {
    let n = x.len();
    DMatrix::from_fn(n, n, |i, j| (-(x[i] - x[j]).powi(2)).exp()).sum()
}

#[gradient]
fn differences(x: &DVector<f64>) -> f64 {
    let d = DVector::from_fn(x.len() - 1, |i, _| (x[i + 1] - x[i]) * (i as f64 + 1.0));
    d.norm_squared() + x[0]
}

#[gradient]
fn reversed(x: &DVector<f64>) -> f64 {
    let n = x.len();
    let y = DVector::from_fn(n, |i, _| x[n - 1 - i].sin());
    y.dot(x)
}

#[gradient]
fn repeated(x: &DVector<f64>) -> f64 {
    RowDVector::from_fn(7, |_, j| x[j % 3] * x[j / 3]).norm()
}

#[gradient]
fn convolved(x: &DVector<f64>) -> f64 {
    let a = DMatrix::from_fn(3, 2, |i, j| x[2 * j + i]);
    (a.transpose() * &a).determinant()
}

#[gradient]
fn entries_of_a_matrix(m: &DMatrix<f64>) -> f64 {
    DMatrix::from_fn(m.ncols(), m.nrows(), |i, j| m[(j, i)] * m[(0, i)]).norm_squared()
}

#[gradient]
fn of_a_local_value(x: &DVector<f64>) -> f64 {
    let y = x.map(|z| z.exp());
    let n = y.len();
    DVector::from_fn(n, |i, _| y[i] / y[(i + 1) % n]).sum()
}

#[gradient]
fn symmetric_part(m: &Matrix3<f64>) -> f64 {
    let s = Matrix3::from_fn(|i, j| 0.5 * (m[(i, j)] + m[(j, i)]));
    (s * s).trace()
}

#[gradient]
fn static_sizes(x: &Vector3<f64>) -> f64 {
    let v = SVector::<f64, 2>::from_fn(|i, _| x[i] * x[i + 1]);
    let m = SMatrix::<f64, 2, 3>::from_fn(|i, j| v[i] + x[j]);
    (m.transpose() * v).norm_squared()
}

#[gradient]
fn chosen(x: &Vector3<f64>) -> f64 {
    Matrix3::from_fn(|i, j| {
        if i == j {
            x[i].exp()
        } else if i > j {
            x[i] * x[j] * j as f64
        } else {
            0.0
        }
    })
    .determinant()
}

#[gradient]
fn a_number_everywhere(x: &DVector<f64>) -> f64 {
    let s = x.norm();
    DVector::from_fn(4, |_, _| s * 2.0).norm_squared()
}

#[gradient]
fn in_a_branch(x: &DVector<f64>) -> f64 {
    if x.len() > 3 {
        DVector::from_fn(2, |i, _| x[i + 2].powi(2)).sum()
    } else {
        x[0]
    }
}

#[gradient(wrt(x))]
fn with_inert_matrices(x: &DVector<f64>, w: &DMatrix<f64>) -> f64 {
    DVector::from_fn(w.nrows(), |i, _| w[(i, 0)] * x[0] + w[(i, 1)] * x[1]).norm_squared()
}

#[gradient]
fn generic<T: RealField + Copy, const N: usize>(x: &SVector<T, N>) -> T {
    let y = SVector::<T, N>::from_fn(|i, _| x[N - 1 - i] * x[i]);
    y.dot(x)
}

#[test]
fn other_places() {
    checked!(kernel, kernel_value_and_gradient, vector(4));
    checked!(differences, differences_value_and_gradient, vector(5));
    checked!(reversed, reversed_value_and_gradient, vector(4));
    checked!(repeated, repeated_value_and_gradient, vector(3));
    checked!(convolved, convolved_value_and_gradient, vector(5));
    checked!(
        entries_of_a_matrix,
        entries_of_a_matrix_value_and_gradient,
        matrix(2, 3)
    );
    checked!(
        of_a_local_value,
        of_a_local_value_value_and_gradient,
        vector(4)
    );
    let m = Matrix3::new(0.3, -0.4, 0.5, 0.8, 0.1, -0.2, 0.6, 0.9, -0.7);
    checked!(symmetric_part, symmetric_part_value_and_gradient, m);
    let x = Vector3::new(0.3, -0.4, 0.9);
    checked!(static_sizes, static_sizes_value_and_gradient, x);
    checked!(chosen, chosen_value_and_gradient, x);
    checked!(
        a_number_everywhere,
        a_number_everywhere_value_and_gradient,
        vector(4)
    );
    checked!(in_a_branch, in_a_branch_value_and_gradient, vector(4));
    checked!(in_a_branch, in_a_branch_value_and_gradient, vector(2));
    checked!(generic, generic_value_and_gradient, x);
    let (x, w) = (vector(2), matrix(5, 2));
    let slope = with_inert_matrices_gradient(&x, &w);
    check::gradient(|x| with_inert_matrices(x, &w), &x, &slope).unwrap();
}

#[jvp]
#[vjp]
#[hvp]
fn spread(x: &DVector<f64>) -> f64 {
    let n = x.len();
    DMatrix::from_fn(n, n, |i, j| (x[i] - x[j]).cos() * x[j]).sum()
}

#[test]
fn products_agree() {
    let (x, d) = (vector(4), vector(4).map(|z| z * z - 0.2));
    let (value, forward) = spread_jvp(&x, &d);
    let (again, pullback) = spread_vjp(&x);
    assert_eq!(value.to_bits(), again.to_bits());
    let slope = pullback(1.0);
    check::gradient(spread, &x, &slope).unwrap();
    assert!((forward - slope.dot(&d)).abs() < 1e-12);
    let (_, product) = spread_hvp(&x, &d);
    let h = 1e-5;
    let slope_at = |x: DVector<f64>| spread_vjp(&x).1(1.0);
    let difference = (slope_at(&x + &d * h) - slope_at(&x - &d * h)) / (2.0 * h);
    assert!((difference - product).norm() < 1e-8);
}

/// Not read by the gradient, but the function panics.
#[gradient]
fn beyond(x: &DVector<f64>) -> f64 {
    let n = x.len();
    DVector::from_fn(n + 1, |i, _| x[i]).sum()
}

#[test]
#[should_panic(expected = "out of bounds")]
fn an_index_out_of_bounds_panics_in_the_gradient() {
    beyond_gradient(&vector(3));
}

// ---- slices ----

#[gradient]
fn reshaped(x: &Vector6<f64>) -> f64 {
    let s = x.as_slice();
    let m = Matrix2x3::from_column_slice(s);
    let r = Matrix3x2::from_row_slice(x.as_slice());
    (m * r).trace() * s[0] + s[5] * s.len() as f64
}

#[gradient]
fn copied(x: &DVector<f64>) -> f64 {
    let y = DVector::from_column_slice(x.as_slice());
    let v = Vector3::from_column_slice(y.as_slice());
    let s = y.as_slice();
    y.norm_squared() * v.norm() + s[1] * s[0]
}

#[gradient]
fn of_a_matrix(m: &Matrix2<f64>) -> f64 {
    let entries = m.as_slice();
    let v = DVector::from_row_slice(entries);
    entries[0] * entries[3] - entries[1] * entries[2] + v.map(|z| z.sin()).sum()
}

#[gradient]
fn laid_out_again(x: &DVector<f64>) -> f64 {
    let (r, c) = (2, x.len() / 2);
    let m = DMatrix::from_row_slice(r, c, x.as_slice());
    (m.transpose() * &m).norm()
}

#[test]
fn slices() {
    let x = Vector6::new(0.3, -0.4, 0.9, 0.2, 0.5, -0.8);
    checked!(reshaped, reshaped_value_and_gradient, x);
    checked!(copied, copied_value_and_gradient, vector(3));
    checked!(
        of_a_matrix,
        of_a_matrix_value_and_gradient,
        Matrix2::new(0.3, -0.4, 0.9, 0.2)
    );
    checked!(laid_out_again, laid_out_again_value_and_gradient, vector(6));
}

#[test]
#[should_panic]
fn a_slice_of_the_wrong_length_panics() {
    laid_out_again_value_and_gradient(&vector(5));
}

#[gradient]
fn view(x: &Vector2<f64>) -> f64 {
    x.as_slice()[0] * x.as_slice()[1] * x.as_slice().len() as f64
}

#[test]
fn entries_of_slices() {
    assert_eq!(
        view_gradient(&Vector2::new(3.0, 4.0)),
        Vector2::new(8.0, 6.0)
    );
}
