//! P19 to P23: the identity, sums and differences entry by entry.

use nalgebra::{DVector, Vector4};
use nalgrad::jacobian;

#[jacobian]
pub fn p19(x: &Vector4<f64>) -> Vector4<f64> {
    *x
}

#[jacobian]
pub fn p19_map(v: &Vector4<f64>) -> Vector4<f64> {
    v.map(|entry| entry)
}

#[jacobian]
pub fn p19_dynamic(x: &DVector<f64>) -> DVector<f64> {
    x.clone()
}

#[jacobian(wrt(w))]
pub fn p20(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w + x
}

#[jacobian(wrt(b))]
pub fn p20_map(b: &Vector4<f64>, a: &Vector4<f64>) -> Vector4<f64> {
    a.zip_map(b, |a, b| a + b)
}

#[jacobian(wrt(w))]
pub fn p20_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w + x
}

#[jacobian(wrt(w))]
pub fn p20_dynamic_map(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    x.zip_map(w, |a, b| a + b)
}

#[jacobian(wrt(x))]
pub fn p21(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w + x
}

#[jacobian(wrt(w))]
pub fn p22(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w - x
}

#[jacobian(wrt(x))]
pub fn p23(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w - x
}

#[jacobian(wrt(x))]
pub fn p23_negated(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    -(x - w)
}

#[jacobian(wrt(x))]
pub fn p23_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w - x
}
