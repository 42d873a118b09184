//! Slices, arrays and `Vec`s of numbers as parameters: gradients of their owned types.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{DMatrix, DVector, Matrix3, SMatrix, Vector3};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};

#[gradient]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn rosenbrock(x: &[f64]) -> f64 {
    (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2) + x.len() as f64
}

#[test]
fn slices() {
    let (x, dx) = ([-1.2, 1.0, 0.5], [0.3, -0.8, 1.0]);
    let gradient: Vec<f64> = rosenbrock_gradient(&x);
    assert_eq!(gradient.len(), 3);
    let moved = |t: f64| -> Vec<f64> { x.iter().zip(&dx).map(|(x, d)| x + t * d).collect() };
    let dot = |a: &[f64]| a.iter().zip(&dx).map(|(a, d)| a * d).sum::<f64>();
    let directional = slope(|t| rosenbrock(&moved(t)));
    assert_close(dot(&gradient), directional);
    assert_close(rosenbrock_jvp(&x, &dx).1, directional);
    let pulled: Vec<f64> = rosenbrock_vjp(&x).1(2.0);
    assert_close(dot(&pulled), 2.0 * directional);
    let h: DMatrix<f64> = rosenbrock_hessian(&x);
    let product: Vec<f64> = rosenbrock_hvp(&x, &dx).1;
    for (i, entry) in product.iter().enumerate() {
        let along = slope(|t| rosenbrock_gradient(&moved(t))[i]);
        assert_close(*entry, along);
        assert_close((0..3).map(|j| h[(i, j)] * dx[j]).sum(), along);
    }
}

#[gradient]
#[jacobian]
fn arrays(p: [f64; 3], q: &[f64; 2], v: Vec<f64>) -> f64 {
    p[0] * q[1] + (p[1] * p[2]).sin() * v[0] + q[0] * v[1]
}

#[test]
fn arrays_and_vecs() {
    let (p, q, v) = ([0.3, -0.8, 0.5], [1.2, 0.7], vec![0.4, -0.9, 2.0]);
    let (p_bar, q_bar, v_bar): ([f64; 3], [f64; 2], Vec<f64>) = arrays_gradient(p, &q, v.clone());
    for i in 0..3 {
        let at = |t: f64| {
            let mut p = p;
            p[i] += t;
            arrays(p, &q, v.clone())
        };
        assert_close(p_bar[i], slope(at));
    }
    assert_close(q_bar[1], p[0]);
    assert_close(q_bar[0], v[1]);
    assert_eq!(v_bar.len(), 3);
    assert_close(v_bar[0], (p[1] * p[2]).sin());
    assert_eq!(v_bar[2], 0.0);
    let (by_p, by_q, by_v): (SMatrix<f64, 1, 3>, SMatrix<f64, 1, 2>, DMatrix<f64>) =
        arrays_jacobian(p, &q, v);
    assert_close(by_p[0], p_bar[0]);
    assert_close(by_q[1], q_bar[1]);
    assert_eq!(by_v.shape(), (1, 3));
}

/// As vectors of nalgebra's, by constructors.
#[gradient(wrt(p, data))]
#[vjp]
fn rigid(p: &[f64; 6], data: &[f64], m: &Matrix3<f64>) -> f64 {
    let w = Vector3::new(p[0], p[1], p[2]);
    let t = Vector3::new(p[3], p[4], p[5]);
    let all = DVector::from_column_slice(data);
    (m * w + t).norm_squared() * all.norm()
}

#[test]
fn lists_become_vectors() {
    let (p, data) = ([0.3, -0.8, 0.5, 1.2, 0.7, -0.2], [0.4, -0.9]);
    let m = Matrix3::new(1.0, 2.0, 0.3, 0.1, -0.4, 0.2, 0.9, 0.6, 1.1);
    let (p_bar, data_bar) = rigid_gradient(&p, &data, &m);
    for i in 0..6 {
        let at = |t: f64| {
            let mut p = p;
            p[i] += t;
            rigid(&p, &data, &m)
        };
        assert_close(p_bar[i], slope(at));
    }
    for i in 0..2 {
        let at = |t: f64| {
            let mut data = data;
            data[i] += t;
            rigid(&p, &data, &m)
        };
        assert_close(data_bar[i], slope(at));
    }
    let (value, pullback) = rigid_vjp(&p, &data, &m);
    assert_eq!(value, rigid(&p, &data, &m));
    assert_eq!(pullback(1.0).0, p_bar);
}

/// What is not in `wrt` stays what it is.
#[gradient(wrt(x))]
fn tabulated(x: f64, table: &[f64], weights: Vec<f64>, names: [u8; 2]) -> f64 {
    table[0] + table[1] * x + weights[names[0] as usize] * x * x
}

#[test]
fn inert_lists() {
    assert_eq!(
        tabulated_gradient(2.0, &[1.0, 3.0], vec![5.0, 7.0], [1, 0]),
        31.0
    );
}
