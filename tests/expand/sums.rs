//! P38 to P41 and P72: sums and means.

use nalgebra::{DVector, Vector4};
use nalgrad::gradient;

#[gradient]
pub fn p38(x: &Vector4<f64>) -> f64 {
    x.sum()
}

#[gradient]
pub fn p38_ones(v: &Vector4<f64>) -> f64 {
    Vector4::repeat(1.0).dot(v)
}

#[gradient]
pub fn p38_entries(x: &Vector4<f64>) -> f64 {
    x[0] + x[1] + x[2] + x[3]
}

#[gradient]
pub fn p38_dynamic(x: &DVector<f64>) -> f64 {
    x.sum()
}

#[gradient]
pub fn p38_dynamic_fold(x: &DVector<f64>) -> f64 {
    x.fold(0.0, |sum, entry| sum + entry)
}

#[gradient(wrt(x))]
pub fn p39(x: &Vector4<f64>, z: f64) -> f64 {
    (x * z).sum()
}

#[gradient(wrt(x))]
pub fn p39_outside(x: &Vector4<f64>, z: f64) -> f64 {
    z * x.sum()
}

#[gradient(wrt(v))]
pub fn p39_map(v: &Vector4<f64>, c: f64) -> f64 {
    v.map(|entry| c * entry).sum()
}

#[gradient(wrt(z))]
pub fn p40(x: &Vector4<f64>, z: f64) -> f64 {
    (x * z).sum()
}

#[gradient(wrt(z))]
pub fn p40_map(x: &Vector4<f64>, z: f64) -> f64 {
    x.map(|entry| z * entry).sum()
}

#[gradient(wrt(z))]
pub fn p40_dynamic(x: &DVector<f64>, z: f64) -> f64 {
    z * x.sum()
}

#[gradient(wrt(w))]
pub fn p41(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    (w + x).sum()
}

#[gradient(wrt(w))]
pub fn p41_apart(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    x.sum() + w.sum()
}

#[gradient]
pub fn p72(x: &Vector4<f64>) -> f64 {
    x.mean()
}

#[gradient]
pub fn p72_quotient(x: &Vector4<f64>) -> f64 {
    x.sum() / 4.0
}

#[gradient]
pub fn p72_dynamic(x: &DVector<f64>) -> f64 {
    x.mean()
}

#[gradient]
pub fn p72_dynamic_quotient(x: &DVector<f64>) -> f64 {
    x.sum() / x.len() as f64
}
