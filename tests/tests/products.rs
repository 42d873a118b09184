//! Jacobian-vector, vector-Jacobian and Hessian-vector products: against differences, against each other, and what
//! pullbacks own.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{
    DMatrix, DMatrixView, DVector, Matrix2x3, Matrix3, RealField, SVector, Vector2, Vector3,
};
use nalgrad::{check, gradient, hessian, hvp, jvp, vjp};

fn matrix() -> DMatrix<f64> {
    DMatrix::from_row_slice(3, 2, &[0.3, -0.4, 1.1, 0.2, -0.7, 0.5])
}

// ---- functions of every kind of result ----

#[jvp(wrt(x))]
#[vjp]
fn layer(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
    (a * x).map(|z| z.tanh())
}

#[test]
fn a_vector_function() {
    let (x, dx, a) = (vector(&[0.4, -0.9]), vector(&[1.5, 0.3]), matrix());
    let (value, tangent) = layer_jvp(&x, &a, &dx);
    assert_eq!(value, layer(&x, &a));
    for i in 0..3 {
        assert_close(tangent[i], slope(|t| layer(&(&x + &dx * t), &a)[i]));
    }
    let (value, pullback) = layer_vjp(&x, &a);
    assert_eq!(value, layer(&x, &a));
    // It can be called again, and with other cotangents.
    for y_bar in [
        vector(&[1.0, 0.0, 0.0]),
        vector(&[0.2, -3.0, 0.7]),
        vector(&[1.0, 0.0, 0.0]),
    ] {
        assert_close(y_bar.dot(&tangent), pullback(y_bar).dot(&dx));
    }
}

#[jvp]
#[vjp]
#[allow(clippy::type_complexity)]
fn parts(x: &Vector3<f64>, s: f64, n: usize) -> (Vector3<f64>, (f64, usize), [f64; 2], bool) {
    let y = x * s;
    let norm = y.norm();
    (y / norm, (norm, n + 1), [s * s, y[n]], norm > 1.0)
}

#[test]
fn a_tuple_of_vectors_numbers_arrays_and_what_has_no_derivative() {
    let (x, dx) = (Vector3::new(0.3, -1.0, 0.8), Vector3::new(1.0, 0.5, -2.0));
    let ((direction, (norm, next), [square, entry], long), tangent) =
        parts_jvp(&x, 1.7, 2, &dx, 0.4);
    assert_eq!(
        (direction, (norm, next), [square, entry], long),
        parts(&x, 1.7, 2)
    );
    let (d_direction, (d_norm, ()), [d_square, d_entry], ()) = tangent;
    let at = |t: f64| parts(&(x + dx * t), 1.7 + 0.4 * t, 2);
    for i in 0..3 {
        assert_close(d_direction[i], slope(|t| at(t).0[i]));
    }
    assert_close(d_norm, slope(|t| at(t).1.0));
    assert_close(d_square, slope(|t| at(t).2[0]));
    assert_close(d_entry, slope(|t| at(t).2[1]));
    let (_, pullback) = parts_vjp(&x, 1.7, 2);
    let bar = Vector3::new(0.2, 0.9, -0.4);
    let (x_bar, s_bar) = pullback((bar, (0.7, ()), [-1.1, 0.3], ()));
    assert_close(
        x_bar.dot(&dx) + s_bar * 0.4,
        bar.dot(&d_direction) + 0.7 * d_norm - 1.1 * d_square + 0.3 * d_entry,
    );
}

#[jvp(wrt(m))]
#[vjp]
fn inverse(m: &Matrix3<f64>, b: &Matrix3<f64>) -> Matrix3<f64> {
    m.try_inverse().unwrap() * b + m.transpose()
}

#[test]
fn a_matrix_function_of_a_matrix() {
    let m = Matrix3::new(2.0, 0.1, 0.3, -0.4, 1.5, 0.2, 0.6, 0.1, 1.9);
    let b = Matrix3::new(1.0, 2.0, -1.0, 0.3, 0.4, 0.1, 0.0, 1.0, 0.7);
    let dm = Matrix3::new(0.1, 1.0, 0.4, 0.3, -0.2, 0.5, 0.9, 0.8, -1.0);
    let (value, tangent) = inverse_jvp(&m, &b, &dm);
    assert_eq!(value, inverse(&m, &b));
    for k in 0..9 {
        assert_close(tangent[k], slope(|t| inverse(&(m + dm * t), &b)[k]));
    }
    let y_bar = Matrix3::new(0.3, -1.0, 0.2, 0.8, 0.5, 0.1, -0.6, 1.2, 0.9);
    assert_close(inverse_vjp(&m, &b).1(y_bar).dot(&dm), y_bar.dot(&tangent));
}

#[jvp]
#[vjp]
fn sides(x: f64, b: f64) -> [f64; 2] {
    let y = if x > b {
        x.sin() * b
    } else {
        let k = b.exp();
        x * k
    };
    [y, y * x]
}

#[test]
fn the_side_of_a_branch_that_is_taken() {
    for (x, b) in [(1.3, 0.4), (-0.2, 0.4)] {
        let (value, tangent) = sides_jvp(x, b, 0.7, -1.1);
        assert_eq!(value, sides(x, b));
        for (i, tangent) in tangent.into_iter().enumerate() {
            assert_close(tangent, slope(|t| sides(x + 0.7 * t, b - 1.1 * t)[i]));
        }
        let (x_bar, b_bar) = sides_vjp(x, b).1([0.6, -0.9]);
        assert_close(
            x_bar * 0.7 - b_bar * 1.1,
            0.6 * tangent[0] - 0.9 * tangent[1],
        );
    }
}

#[jvp]
#[vjp]
fn generic<T: RealField + Copy, const N: usize>(x: SVector<T, N>, s: T) -> SVector<T, N> {
    x.map(|e| e.sin()) * s.exp()
}

#[test]
fn generic_scalars_and_sizes() {
    let (x, dx) = (
        SVector::<f64, 4>::new(0.1, 0.5, -0.3, 0.9),
        SVector::<f64, 4>::new(1.0, -1.0, 0.5, 0.2),
    );
    let (value, tangent) = generic_jvp(x, 0.3, dx, 2.0);
    assert_eq!(value, generic(x, 0.3));
    for i in 0..4 {
        assert_close(tangent[i], slope(|t| generic(x + dx * t, 0.3 + 2.0 * t)[i]));
    }
    let (x_bar, s_bar) = generic_vjp(x, 0.3).1(dx);
    assert_close(x_bar.dot(&dx) + 2.0 * s_bar, dx.dot(&tangent));
    let (value, _) = generic_jvp(x.cast::<f32>(), 0.3_f32, dx.cast::<f32>(), 1.0);
    assert_eq!(value, generic(x.cast::<f32>(), 0.3));
}

#[vjp(wrt(v))]
#[jvp]
fn viewed(v: DMatrixView<f64>, i: usize) -> DVector<f64> {
    let part = v.rows(1, 2);
    part.column(i) * part.row(0).sum()
}

#[test]
fn views_go_in_and_owned_matrices_come_out() {
    let (m, dm) = (
        matrix(),
        DMatrix::from_fn(3, 2, |i, j| 0.3 * i as f64 - j as f64),
    );
    let (value, tangent) = viewed_jvp(m.as_view(), 1, dm.as_view());
    assert_eq!(value, viewed(m.as_view(), 1));
    for i in 0..2 {
        assert_close(
            tangent[i],
            slope(|t| viewed((&m + &dm * t).as_view(), 1)[i]),
        );
    }
    let (_, pullback) = viewed_vjp(m.as_view(), 1);
    let bar = vector(&[0.3, -0.8]);
    assert_close(pullback(bar.clone()).dot(&dm), bar.dot(&tangent));
}

/// Data that a function owns and its pullback needs.
struct Model {
    weights: Vec<f64>,
    mean: DVector<f64>,
}

#[vjp(wrt(x))]
fn owned(x: &DVector<f64>, model: Model) -> f64 {
    let scale = model.weights[0];
    let mean: &DVector<f64> = &model.mean;
    ((x - mean) * scale).norm_squared()
}

#[test]
fn a_pullback_outlives_what_the_function_owns() {
    let x = vector(&[1.0, 2.0]);
    let (value, pullback) = owned_vjp(
        &x,
        Model {
            weights: vec![3.0],
            mean: vector(&[0.5, 0.5]),
        },
    );
    assert_eq!(
        value,
        owned(
            &x,
            Model {
                weights: vec![3.0],
                mean: vector(&[0.5, 0.5])
            }
        )
    );
    assert_eq!(pullback(2.0), vector(&[18.0, 54.0]));
}

/// The forward pass runs once, and prints once.
#[vjp(wrt(x))]
fn counted(x: f64, calls: &std::cell::Cell<usize>) -> f64 {
    calls.set(calls.get() + 1);
    let y = x.exp();
    y * y
}

#[test]
fn effects_happen_once() {
    let calls = std::cell::Cell::new(0);
    let (_, pullback) = counted_vjp(0.3, &calls);
    assert_close(pullback(1.0), 2.0 * 0.6_f64.exp());
    assert_close(pullback(2.0), 4.0 * 0.6_f64.exp());
    assert_eq!(calls.get(), 1);
}

#[test]
fn tangents_and_cotangents_have_the_shapes_of_their_values() {
    use std::panic::catch_unwind;
    let (x, a) = (vector(&[0.4, -0.9]), matrix());
    assert!(catch_unwind(|| layer_jvp(&x, &a, &vector(&[1.0, 2.0, 3.0]))).is_err());
    assert!(catch_unwind(|| layer_vjp(&x, &a).1(vector(&[1.0, 2.0]))).is_err());
    assert!(catch_unwind(|| energy_hvp(&x, 0.3, &a, &vector(&[1.0]), 0.0, &a)).is_err());
}

// ---- Hessians times directions ----

#[hvp]
#[gradient]
fn energy(x: &DVector<f64>, b: f64, a: &DMatrix<f64>) -> f64 {
    (a * x).map(|z| (z * b).cosh()).sum() / (1.0 + x.norm_squared())
}

#[test]
fn the_hessian_times_a_direction() {
    let (x, dx) = (vector(&[0.4, -0.9]), vector(&[1.5, 0.3]));
    let (a, da) = (
        matrix(),
        DMatrix::from_fn(3, 2, |i, j| 0.2 * i as f64 - 0.1 * j as f64),
    );
    let (gradient, product) = energy_hvp(&x, 0.7, &a, &dx, -0.4, &da);
    let at = |t: f64| energy_gradient(&(&x + &dx * t), 0.7 - 0.4 * t, &(&a + &da * t));
    assert_eq!(gradient, at(0.0));
    for i in 0..2 {
        assert_close(product.0[i], slope(|t| at(t).0[i]));
    }
    assert_close(product.1, slope(|t| at(t).1));
    for i in 0..6 {
        assert_close(product.2[i], slope(|t| at(t).2[i]));
    }
}

#[hvp(wrt(w))]
#[gradient]
fn huber(w: Vector2<f64>, x: Matrix2x3<f64>) -> f64 {
    x.tr_mul(&w)
        .map(|r| {
            if r.abs() < 0.5 {
                0.5 * r * r
            } else {
                0.5 * (r.abs() - 0.25)
            }
        })
        .sum()
}

#[test]
fn pieces_of_a_piecewise_function() {
    let x = Matrix2x3::new(0.3, -1.0, 0.2, 0.8, 0.9, -0.4);
    let (w, v) = (Vector2::new(0.4, -0.3), Vector2::new(1.0, 2.0));
    let (gradient, product) = huber_hvp(w, x, v);
    assert_eq!(gradient, huber_gradient(w, x));
    for i in 0..2 {
        assert_close(
            product[i],
            slope(|t| huber_gradient(w + v * (t / 10.0), x)[i]) * 10.0,
        );
    }
}

/// A linear function has no second derivative; its gradient is still there.
#[hvp]
fn linear(x: &DVector<f64>, b: f64) -> f64 {
    x.sum() + 2.0 * b
}

#[test]
fn the_hessian_of_a_linear_function_is_zero() {
    let (gradient, product) = linear_hvp(&vector(&[1.0, 2.0]), 1.0, &vector(&[1.0, 1.0]), 1.0);
    assert_eq!(gradient, (vector(&[1.0, 1.0]), 2.0));
    assert_eq!(product, (vector(&[0.0, 0.0]), 0.0));
}

#[vjp]
#[jvp]
#[nalgrad::jacobian]
fn listed(x: f64, y: f64) -> (Vec<f64>, f64) {
    (vec![x * y, y.sin()], x)
}

#[test]
fn results_in_a_vec() {
    let (x, y) = (0.3, 0.7_f64);
    let ((value, _), pullback) = listed_vjp(x, y);
    assert_eq!(value, listed(x, y).0);
    let (x_bar, y_bar) = pullback((vec![2.0, -1.0], 0.5));
    assert_close(x_bar, 2.0 * y + 0.5);
    assert_close(y_bar, 2.0 * x - y.cos());
    let (_, (tangent, last)) = listed_jvp(x, y, 1.0, 2.0);
    assert_close(tangent[0], y + 2.0 * x);
    assert_close(tangent[1], 2.0 * y.cos());
    assert_close(last, 1.0);
    let ((by_x, by_y), (one, zero)) = listed_jacobian(x, y);
    assert_eq!(
        (by_x, one, zero),
        (DMatrix::from_column_slice(2, 1, &[y, 0.0]), 1.0, 0.0)
    );
    assert_close(by_y[1], y.cos());
    assert!(std::panic::catch_unwind(|| listed_vjp(x, y).1((vec![2.0], 0.5))).is_err());
}

// ---- what comes along with a gradient ----

#[gradient(aux)]
fn with_residual(x: &DVector<f64>, b: &DVector<f64>) -> (f64, DVector<f64>) {
    let r = x - b;
    (r.norm_squared(), r)
}

#[test]
fn auxiliary_results_are_passed_on() {
    let (x, b) = (vector(&[1.0, 2.0]), vector(&[0.5, 3.0]));
    let (value, (x_bar, b_bar)) = with_residual_value_and_gradient(&x, &b);
    assert_eq!(value, with_residual(&x, &b));
    assert_eq!((x_bar, b_bar), with_residual_gradient(&x, &b));
    check::gradient(
        |x| with_residual(x, &b).0,
        &x,
        &with_residual_gradient(&x, &b).0,
    )
    .unwrap();
}

// ---- attributes below share the arguments of the first ----

mod stacked {
    use nalgrad::{gradient, hvp, jvp, vjp};

    #[gradient(wrt(b), crate = ::nalgrad)]
    #[jvp]
    #[hvp(wrt(a, b))]
    #[vjp]
    pub fn product(a: f64, b: f64) -> f64 {
        a * b * b
    }
}

#[test]
fn arguments_are_shared_downwards() {
    assert_eq!(stacked::product_gradient(2.0, 3.0), 12.0);
    assert_eq!(stacked::product_jvp(2.0, 3.0, 1.0), (18.0, 12.0));
    assert_eq!(
        stacked::product_hvp(2.0, 3.0, 1.0, 0.0),
        ((9.0, 12.0), (0.0, 6.0))
    );
    assert_eq!(stacked::product_vjp(2.0, 3.0).1(0.5), 6.0);
}

// ---- methods ----

struct Spring {
    stiffness: f64,
}

impl Spring {
    #[jvp(wrt(x))]
    #[vjp]
    #[hvp]
    fn energy(&self, x: &DVector<f64>) -> f64 {
        self.stiffness * x.norm_squared() / 2.0
    }
}

#[test]
fn methods_have_methods_beside_them() {
    let (spring, x, v) = (
        Spring { stiffness: 3.0 },
        vector(&[1.0, 2.0]),
        vector(&[0.5, 1.0]),
    );
    assert_eq!(spring.energy_jvp(&x, &v), (7.5, 7.5));
    assert_eq!(spring.energy_vjp(&x).1(2.0), vector(&[6.0, 12.0]));
    assert_eq!(
        spring.energy_hvp(&x, &v),
        (vector(&[3.0, 6.0]), vector(&[1.5, 3.0]))
    );
}

// ---- passes over more columns than nalgebra has a method for, and over a matrix and its transposition ----

fn entries(n: usize, phase: f64) -> DVector<f64> {
    DVector::from_fn(n, |i, _| (i as f64 + phase).sin())
}

#[gradient]
#[hvp]
fn rosenbrock(x: &DVector<f64>) -> f64 {
    let n = x.len();
    let (a, b) = (x.rows(0, n - 1), x.rows(1, n - 1));
    a.zip_map(&b, |a, b| 100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2))
        .sum()
}

#[gradient(wrt(x))]
fn of_four_columns(x: &DVector<f64>, u: &DVector<f64>, v: &DVector<f64>, w: &DVector<f64>) -> f64 {
    let y = x.rows(1, u.len());
    2.0 - y.component_mul(u).component_mul(v).dot(&y.component_mul(w))
}

#[test]
fn passes_over_many_columns() {
    for n in [1, 2, 3, 10] {
        let (x, dx) = (entries(n, 0.3), entries(n, 0.8));
        let (gradient, product) = rosenbrock_hvp(&x, &dx);
        let (mut by_hand, mut slope) = (DVector::zeros(n), DVector::zeros(n));
        for i in 1..n {
            let (a, slip) = (x[i - 1], x[i] - x[i - 1] * x[i - 1]);
            let (da, dslip) = (dx[i - 1], dx[i] - 2.0 * a * dx[i - 1]);
            slope[i - 1] -= 400.0 * slip * a + 2.0 * (1.0 - a);
            slope[i] += 200.0 * slip;
            by_hand[i - 1] -= 400.0 * (dslip * a + slip * da) - 2.0 * da;
            by_hand[i] += 200.0 * dslip;
        }
        assert!((gradient - slope).amax() < 1e-11);
        assert!((product - by_hand).amax() < 1e-11);
    }
    let (x, u, v, w) = (
        entries(5, 0.2),
        entries(3, 0.5),
        entries(3, 0.9),
        entries(3, 1.4),
    );
    let mut expected = DVector::zeros(5);
    for i in 0..3 {
        expected[i + 1] = -2.0 * x[i + 1] * u[i] * v[i] * w[i];
    }
    assert!((of_four_columns_gradient(&x, &u, &v, &w) - expected).amax() < 1e-14);
}

#[hessian(wrt(x))]
fn quadratic(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    0.5 * x.dot(&(a * x))
}

/// Of whole blocks, and of such that are cut off.
#[test]
fn a_matrix_and_its_transposition() {
    for n in [0, 1, 2, 15, 16, 17, 40] {
        let a = DMatrix::from_fn(n, n, |i, j| (i as f64).mul_add(1.7, (j as f64).sin()));
        let expected = DMatrix::from_fn(n, n, |i, j| 0.5 * (a[(i, j)] + a[(j, i)]));
        assert_eq!(quadratic_hessian(&entries(n, 0.3), &a), expected);
        let entries = nalgrad::__private::with_mirrored(&a, |a, mirrored| a - 2.0 * mirrored);
        let expected = DMatrix::from_fn(n, n, |i, j| a[(i, j)] - 2.0 * a[(j, i)]);
        assert_eq!(entries, expected);
    }
}
