//! P87: the logistic loss, with labels of −1 and 1.

use nalgebra::{DMatrix, DVector, SMatrix, SVector, Vector3};
use nalgrad::gradient;

#[gradient(wrt(w))]
pub fn p87(w: &DVector<f64>, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    y.component_mul(&(x * w))
        .map(|m| (1.0 + (-m).exp()).ln())
        .sum()
}

#[gradient(wrt(v))]
pub fn p87_renamed(v: &DVector<f64>, a: &DMatrix<f64>, sign: &DVector<f64>) -> f64 {
    let margins = sign.component_mul(&(a * v));
    margins.map(|t| ((-t).exp() + 1.0).ln()).sum()
}

#[gradient(wrt(w))]
pub fn p87_fused(w: &DVector<f64>, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    (x * w).zip_map(y, |z, y| (-y * z).exp().ln_1p()).sum()
}

#[gradient(wrt(w))]
pub fn p87_static(w: &Vector3<f64>, x: &SMatrix<f64, 6, 3>, y: &SVector<f64, 6>) -> f64 {
    (x * w).zip_map(y, |z, y| (-y * z).exp().ln_1p()).sum()
}
