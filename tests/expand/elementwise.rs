//! P24 to P29: products and quotients entry by entry.

use nalgebra::{DMatrix, DVector, Vector4};
use nalgrad::jacobian;

#[jacobian(wrt(w))]
pub fn p24(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_mul(x)
}

#[jacobian(wrt(w))]
pub fn p24_reversed(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.component_mul(w)
}

#[jacobian(wrt(u))]
pub fn p24_map(u: &Vector4<f64>, v: &Vector4<f64>) -> Vector4<f64> {
    u.zip_map(v, |a, b| b * a)
}

#[jacobian(wrt(w))]
pub fn p24_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.component_mul(x)
}

#[jacobian(wrt(w))]
pub fn p24_dynamic_product(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    DMatrix::from_diagonal(x) * w
}

#[jacobian(wrt(x))]
pub fn p25(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_mul(x)
}

#[jacobian(wrt(w))]
pub fn p26(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_div(x)
}

#[jacobian(wrt(w))]
pub fn p26_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.zip_map(w, |b, a| a / b)
}

#[jacobian(wrt(w))]
pub fn p26_reciprocal(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| 1.0 / x).component_mul(w)
}

#[jacobian(wrt(w))]
pub fn p26_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.component_div(x)
}

#[jacobian(wrt(x))]
pub fn p27(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_div(x)
}

#[jacobian(wrt(x))]
pub fn p27_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |a, b| a / b)
}

#[jacobian(wrt(x))]
pub fn p27_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.component_div(x)
}

#[jacobian(wrt(w))]
pub fn p28(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.map(f64::sin).component_mul(&x.map(f64::exp))
}

#[jacobian(wrt(w))]
pub fn p28_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| w.sin() * x.exp())
}

#[jacobian(wrt(w))]
pub fn p28_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    let (f, g) = (w.map(|w| w.sin()), x.map(|x| x.exp()));
    g.component_mul(&f)
}

#[jacobian(wrt(x))]
pub fn p29(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.map(f64::sin).component_mul(&x.map(f64::exp))
}
