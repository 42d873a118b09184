//! P82: least squares, the residual computed once.

use nalgebra::{DMatrix, DVector, SMatrix, Vector3};
use nalgrad::gradient;

#[gradient(wrt(x, a, b))]
pub fn p82(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a * x - b).norm_squared()
}

#[gradient(wrt(t, x, y))]
pub fn p82_steps(x: &DMatrix<f64>, t: &DVector<f64>, y: &DVector<f64>) -> f64 {
    let fit = x * t;
    let r = fit - y;
    r.dot(&r)
}

#[gradient(wrt(x, a, b))]
pub fn p82_norm(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a * x - b).norm().powi(2)
}

#[gradient(wrt(x, a, b))]
pub fn p82_product(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    let r = a * x - b;
    (r.transpose() * &r)[0]
}

#[gradient(wrt(x, a, b))]
pub fn p82_sum(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a * x).zip_map(b, |z, b| (z - b).powi(2)).sum()
}

#[gradient(wrt(x, a, b))]
pub fn p82_static(a: &SMatrix<f64, 6, 3>, x: &Vector3<f64>, b: &SMatrix<f64, 6, 1>) -> f64 {
    (a * x - b).norm_squared()
}
