//! Iterators that end in a sum.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DMatrix, DVector, Vector3};
use nalgrad::{gradient, hessian, hvp, jvp, vjp};

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn chains(x: &DVector<f64>, y: &DVector<f64>, s: f64) -> f64 {
    let squares: f64 = x.iter().map(|v| v * v).sum();
    let product = x
        .iter()
        .zip(y.iter())
        .map(|(a, b)| (a * b * s).sin())
        .sum::<f64>();
    let weighted = x
        .iter()
        .enumerate()
        .map(|(i, v)| *v * (i as f64 + 1.0))
        .sum::<f64>();
    let range: f64 = (0..x.len()).map(|i| x[i] * y[i].exp()).sum();
    let folded = y.iter().fold(s, |total, v| total + v * v * v);
    squares * product + weighted * range + folded + x.iter().sum::<f64>()
}

#[test]
fn sums_of_chains() {
    let (x, dx) = (vector(&[0.4, -0.9, 0.7]), vector(&[1.0, 0.5, -0.3]));
    let (y, s) = (vector(&[0.1, 0.8, -0.6]), 0.6);
    let (value, (x_bar, y_bar, s_bar)) = chains_value_and_gradient(&x, &y, s);
    assert_eq!(value, chains(&x, &y, s));
    let at = |t: f64| chains(&(&x + &dx * t), &(&y - &dx * t), s - 0.2 * t);
    let directional = slope(at);
    assert_close(x_bar.dot(&dx) - y_bar.dot(&dx) - 0.2 * s_bar, directional);
    let (_, tangent) = chains_jvp(&x, &y, s, &dx, &(-&dx), -0.2);
    assert_close(tangent, directional);
    assert_close(chains_vjp(&x, &y, s).1(2.0).2, 2.0 * s_bar);
    let at = |t: f64| chains_gradient(&(&x + &dx * t), &(&y - &dx * t), s - 0.2 * t).2;
    let product = chains_hvp(&x, &y, s, &dx, &(-&dx), -0.2).1;
    assert_close(product.2, slope(at));
}

/// Data that is no matrix, of other lengths than the parameter.
#[gradient(wrt(w))]
fn fit(w: &[f64], xs: &[f64], ys: &[f64]) -> f64 {
    let n = xs.len() as f64;
    let squares: f64 = xs
        .iter()
        .zip(ys.iter())
        .map(|(x, y)| {
            let r = w[0] * x + w[1] - y;
            r * r
        })
        .sum();
    let penalty = w.iter().map(|v| v.abs()).sum::<f64>();
    squares / n + 0.1 * penalty
}

#[gradient]
fn statics(v: &Vector3<f64>, m: &DMatrix<f64>) -> f64 {
    let cubes: f64 = v.iter().copied().map(|e| e.powi(3)).map(|e| e + 1.0).sum();
    cubes * m.iter().map(|e| e.cos()).sum::<f64>()
}

#[test]
fn slices_matrices_and_static_vectors() {
    let (w, xs, ys) = ([0.4, -0.9], [0.0, 1.0, 2.0, 3.0], [1.0, 0.4, -0.3]);
    let gradient = fit_gradient(&w, &xs, &ys);
    for i in 0..2 {
        let at = |t: f64| {
            let mut w = w;
            w[i] += t;
            fit(&w, &xs, &ys)
        };
        assert_close(gradient[i], slope(at));
    }
    let (v, m) = (
        Vector3::new(0.4, -0.9, 0.7),
        DMatrix::from_row_slice(2, 2, &[0.1, 0.5, -0.3, 0.8]),
    );
    let (v_bar, m_bar) = statics_gradient(&v, &m);
    let dv = Vector3::new(0.1, 1.0, -0.4);
    let at = |t: f64| statics(&(v + dv * t), &(&m * (1.0 + t)));
    assert_close(v_bar.dot(&dv) + m_bar.dot(&m), slope(at));
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn as_loops(x: &DVector<f64>, c: f64) -> f64 {
    let p: f64 = x.iter().map(|v| v + c).product();
    let largest = x.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    let (a, b) = x
        .iter()
        .zip(x.iter().skip(1))
        .fold((0.5, 1.0), |(s, t), (u, v)| (s + u * t, t * v));
    let positive: f64 = x.iter().filter(|v| **v > 0.2).map(|v| v * v).sum();
    let list: Vec<f64> = x.iter().rev().map(|v| (v * c).sin()).collect();
    let mut t = 0.0;
    for (i, v) in list.iter().enumerate() {
        t = t * 0.5 + v * i as f64;
    }
    let mut w = 0.0;
    for pair in x.as_slice().windows(2) {
        w += (pair[0] * pair[1]).exp();
    }
    p * largest + a * b + positive + t * w
}

#[test]
fn chains_that_are_loops() {
    for entries in [&[0.4, -0.9, 0.7, 0.3][..], &[0.5, 0.9], &[0.3]] {
        let (x, c) = (vector(entries), 1.2);
        let (value, (dx, dc)) = as_loops_value_and_gradient(&x, c);
        assert_eq!(value.to_bits(), as_loops(&x, c).to_bits());
        let v = x.map_with_location(|i, _, _| 0.7 - 0.4 * i as f64);
        let at = |t: f64| as_loops(&(&x + &v * t), c - 0.3 * t);
        assert_close(dx.dot(&v) - 0.3 * dc, slope(at));
        let (_, tangent) = as_loops_jvp(&x, c, &v, -0.3);
        assert_close(tangent, dx.dot(&v) - 0.3 * dc);
        let (px, pc) = as_loops_vjp(&x, c).1(2.0);
        assert_close((px - &dx * 2.0).norm() + (pc - 2.0 * dc).abs(), 0.0);
        let (_, (hx, hc)) = as_loops_hvp(&x, c, &v, -0.3);
        let along = |t: f64| as_loops_gradient(&(&x + &v * t), c - 0.3 * t);
        assert_close(hc, slope(|t| along(t).1));
        assert_close(hx.dot(&v), slope(|t| along(t).0.dot(&v)));
    }
}

/// Counts beside sums: in folds, and in assignments to tuples.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn counted(x: &[f64], limit: f64) -> f64 {
    let (sum, n) = x.windows(2).fold((0.0, 0usize), |(sum, n), w| {
        (sum + w[0] * w[1] * limit, n + 1)
    });
    let (mut s, mut k, mut even) = (0.5, 0, true);
    for v in x {
        (s, k, even) = {
            let e = v * s;
            (s + e * e, k + 1, !even)
        };
        if even {
            (k, s) = (k + 2, s * 0.5);
        }
    }
    sum / n as f64 + s / (k * n) as f64
}

#[test]
fn counts_beside_sums() {
    use nalgrad::check;
    let x = (vec![0.3, 0.9, -0.4, 1.2], 0.6);
    type At = (Vec<f64>, f64);
    let f = |p: &At| counted(&p.0, p.1);
    let gradient = |p: &At| counted_gradient(&p.0, p.1);
    assert_eq!(counted_value_and_gradient(&x.0, x.1).0, f(&x));
    check::gradient(f, &x, &gradient(&x)).unwrap();
    check::jvp(f, &x, |d: &At| counted_jvp(&x.0, x.1, &d.0, d.1)).unwrap();
    check::vjp(f, &x, counted_vjp(&x.0, x.1)).unwrap();
    check::jacobian(gradient, &x, &counted_hessian(&x.0, x.1)).unwrap();
}
