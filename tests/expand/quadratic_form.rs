//! P81: a quadratic form.

use nalgebra::{DMatrix, DVector, Matrix4, Vector4};
use nalgrad::gradient;

#[gradient(wrt(x, a))]
pub fn p81(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    x.dot(&(a * x))
}

#[gradient(wrt(v, m))]
pub fn p81_reversed(v: &DVector<f64>, m: &DMatrix<f64>) -> f64 {
    (m * v).dot(v)
}

#[gradient(wrt(x, a))]
pub fn p81_product(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    (x.transpose() * a * x)[0]
}

#[gradient(wrt(x, a))]
pub fn p81_static(x: &Vector4<f64>, a: &Matrix4<f64>) -> f64 {
    (x.transpose() * a * x)[0]
}
