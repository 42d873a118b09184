//! P79, P80 and P84: traces.

use nalgebra::{DMatrix, Matrix3, SMatrix};
use nalgrad::gradient;

#[gradient(wrt(x))]
pub fn p79(a: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    (a * x).trace()
}

#[gradient(wrt(x))]
pub fn p79_reversed(a: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    (x * a).trace()
}

#[gradient(wrt(x))]
pub fn p79_dot(a: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    a.transpose().dot(x)
}

#[gradient(wrt(x))]
pub fn p79_static(a: &SMatrix<f64, 4, 3>, x: &SMatrix<f64, 3, 4>) -> f64 {
    (a * x).trace()
}

#[gradient(wrt(x))]
pub fn p80(x: &DMatrix<f64>, a: &DMatrix<f64>) -> f64 {
    (x * a * x).trace()
}

#[gradient(wrt(x))]
pub fn p80_regrouped(x: &DMatrix<f64>, a: &DMatrix<f64>) -> f64 {
    let right = a * x;
    (x * right).trace()
}

#[gradient(wrt(x))]
pub fn p84(x: &DMatrix<f64>, a: &DMatrix<f64>) -> f64 {
    (x.clone().try_inverse().unwrap() * a).trace()
}

#[gradient(wrt(x))]
pub fn p84_reversed(x: &DMatrix<f64>, a: &DMatrix<f64>) -> f64 {
    let inverse = x.clone().try_inverse().unwrap();
    (a * inverse).trace()
}

#[gradient(wrt(x))]
pub fn p84_static(x: &Matrix3<f64>, a: &Matrix3<f64>) -> f64 {
    (x.try_inverse().unwrap() * a).trace()
}
