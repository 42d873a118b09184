//! Assignments to entries, rows, columns and views, and methods that change what they are called on.

#![allow(
    dead_code,
    clippy::assign_op_pattern,
    clippy::needless_range_loop,
    reason = "some functions are known by their companions only; written as people write"
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{DMatrix, DVector, Matrix3, Vector3};
use nalgrad::{gradient, hvp, jvp, vjp};

/// Checks the gradient by a vector, its tangent, its pullback and the derivative of the gradient.
macro_rules! check {
    ($f:ident, $gradient:ident, $value_and_gradient:ident, $jvp:ident, $vjp:ident, $hvp:ident, $x:expr $(, $more:expr)*) => {{
        let x = $x;
        let (value, gradient) = $value_and_gradient(&x $(, $more)*);
        assert_eq!(value.to_bits(), $f(&x $(, $more)*).to_bits());
        let v = x.map_with_location(|i, j, _| 0.7 - 0.4 * (i as f64) + 0.3 * (j as f64));
        let (same, tangent) = $jvp(&x $(, $more)*, &v);
        assert_eq!(same.to_bits(), value.to_bits());
        assert_close(tangent, gradient.dot(&v));
        let (_, pullback) = $vjp(&x $(, $more)*);
        assert_close((pullback(2.0) - &gradient * 2.0).norm(), 0.0);
        let (same, along) = $hvp(&x $(, $more)*, &v);
        assert_close((same - &gradient).norm(), 0.0);
        for k in 0..x.len() {
            let moved = |t: f64| {
                let mut y = x.clone();
                y[k] += t;
                y
            };
            assert_close(gradient[k], slope(|t| $f(&moved(t) $(, $more)*)));
            assert_close(along[k], slope(|t| $gradient(&moved(t) $(, $more)*).dot(&v)));
        }
    }};
}

#[gradient(wrt(x))]
#[jvp]
#[vjp]
#[hvp]
fn prefix(x: &DVector<f64>, a: f64) -> f64 {
    let mut v = x.clone();
    for i in 1..x.len() {
        v[i] = v[i - 1] * a + v[i];
    }
    v.norm_squared()
}

#[gradient(wrt(x))]
#[jvp]
#[vjp]
#[hvp]
fn entries(x: &Vector3<f64>, a: f64) -> f64 {
    let mut m = Matrix3::identity();
    m[(0, 1)] = a * x[0];
    m[(1, 0)] += x.y;
    m[(2, 2)] *= x.z;
    m.column_mut(2).copy_from(x);
    m.row_mut(0).scale_mut(x.x);
    m *= a;
    let mut w = *x;
    w.x = w.y * w.z;
    w[1] -= a;
    w[2] /= 1.5;
    (m * w).norm_squared()
}

#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn filling(x: &DVector<f64>) -> f64 {
    let n = x.len();
    let mut out = vec![0.0; n];
    for i in 0..n {
        out[i] = x[i].sin();
        if i > 0 {
            out[i] += out[i - 1] * x[i];
        } else if x[0] > 100.0 {
            out[0] = 3.0;
        }
    }
    let mut total = 0.0;
    for v in &out {
        total += v * v;
    }
    total
}

#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn by_reference(x: &DVector<f64>) -> f64 {
    let mut y = x * 0.5;
    for (i, v) in y.iter_mut().enumerate() {
        *v *= x[i] + 1.0;
    }
    for (v, w) in y.iter_mut().zip(x.iter()) {
        *v += w.cos();
    }
    y.apply(|e| *e = e.powi(2));
    y.add_scalar_mut(0.25);
    let mut first = y.rows_mut(0, 2);
    first *= 3.0;
    y.axpy(0.5, x, 2.0);
    y.norm_squared()
}

#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn columns(m: &DMatrix<f64>) -> f64 {
    let mut n = DMatrix::zeros(m.nrows(), m.ncols());
    for j in 0..m.ncols() {
        let scale = m.column(j).norm_squared() + 1.0;
        n.set_column(j, &(m.column(j) / scale));
        if j > 0 {
            let dot = n.column(j - 1).dot(&m.column(j));
            n.column_mut(j)[0] -= dot;
        }
    }
    let mut t = 0.0;
    for c in n.column_iter() {
        t += c.sum().sin();
    }
    for mut r in n.row_iter_mut() {
        r.fill(t);
    }
    n.sum() * t
}

#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn swapped(x: &Vector3<f64>) -> f64 {
    let mut a = x.x;
    let mut b = x.y * 2.0;
    for _ in 0..3 {
        (a, b) = (b, a * x.z + b);
    }
    a * b
}

#[test]
fn entries_and_views() {
    for n in [1, 2, 5] {
        let x = DVector::from_fn(n, |i, _| 0.4 - 0.3 * i as f64);
        check!(
            prefix,
            prefix_gradient,
            prefix_value_and_gradient,
            prefix_jvp,
            prefix_vjp,
            prefix_hvp,
            x,
            0.8
        );
    }
    check!(
        entries,
        entries_gradient,
        entries_value_and_gradient,
        entries_jvp,
        entries_vjp,
        entries_hvp,
        Vector3::new(0.4, -0.8, 1.3),
        0.7
    );
    for n in [0, 1, 2, 5] {
        let x = DVector::from_fn(n, |i, _| 0.4 - 0.3 * i as f64);
        check!(
            filling,
            filling_gradient,
            filling_value_and_gradient,
            filling_jvp,
            filling_vjp,
            filling_hvp,
            x
        );
    }
    for n in [2, 5] {
        let x = DVector::from_fn(n, |i, _| 0.4 - 0.3 * i as f64);
        check!(
            by_reference,
            by_reference_gradient,
            by_reference_value_and_gradient,
            by_reference_jvp,
            by_reference_vjp,
            by_reference_hvp,
            x
        );
    }
    for (r, c) in [(1, 1), (2, 3), (3, 2)] {
        let m = DMatrix::from_fn(r, c, |i, j| 0.4 - 0.3 * i as f64 + 0.5 * j as f64);
        check!(
            columns,
            columns_gradient,
            columns_value_and_gradient,
            columns_jvp,
            columns_vjp,
            columns_hvp,
            m
        );
    }
    check!(
        swapped,
        swapped_gradient,
        swapped_value_and_gradient,
        swapped_jvp,
        swapped_vjp,
        swapped_hvp,
        Vector3::new(0.4, -0.8, 1.3)
    );
}
