//! P32, P58 and P71: comparisons, the maximum and the minimum entry by entry.

use nalgebra::{DVector, Vector4};
use nalgrad::jacobian;

#[jacobian(wrt(w))]
pub fn p32(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| if w > x { 1.0 } else { 0.0 })
}

#[jacobian(wrt(w))]
pub fn p32_reversed(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.zip_map(w, |x, w| if x < w { 1.0 } else { 0.0 })
}

#[jacobian(wrt(w))]
pub fn p32_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.zip_map(x, |w, x| if w > x { 1.0 } else { 0.0 })
}

#[jacobian]
pub fn p58(x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| x.max(0.0))
}

#[jacobian]
pub fn p58_branch(v: &Vector4<f64>) -> Vector4<f64> {
    v.map(|e| if e > 0.0 { e } else { 0.0 })
}

#[jacobian]
pub fn p58_zero_first(x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| 0.0_f64.max(x))
}

#[jacobian]
pub fn p58_dynamic(x: &DVector<f64>) -> DVector<f64> {
    x.map(|x| f64::max(0.0, x))
}

#[jacobian(wrt(w))]
pub fn p71(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| w.min(x))
}

#[jacobian(wrt(w))]
pub fn p71_path(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, f64::min)
}

#[jacobian(wrt(w))]
pub fn p71_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.zip_map(x, |w, x| w.min(x))
}
