//! P51 to P57, P59 and P60: the activation of a neuron.

use nalgebra::{DVector, Vector4};
use nalgrad::gradient;

#[gradient(wrt(w))]
pub fn p51(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.dot(x)
}

#[gradient(wrt(w))]
pub fn p51_reversed(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    x.dot(w)
}

#[gradient(wrt(w))]
pub fn p51_product(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    (w.transpose() * x)[0]
}

#[gradient(wrt(v))]
pub fn p51_dynamic(v: &DVector<f64>, u: &DVector<f64>) -> f64 {
    u.tr_mul(v)[(0, 0)]
}

#[gradient(wrt(x))]
pub fn p52(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.dot(x)
}

#[gradient(wrt(w))]
pub fn p53(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.component_mul(x).sum()
}

#[gradient(wrt(w))]
pub fn p53_zip_map(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    x.zip_map(w, |a, b| a * b).sum()
}

#[gradient(wrt(w))]
pub fn p54(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    w.dot(x) + b
}

#[gradient(wrt(b))]
pub fn p55(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    w.dot(x) + b
}

#[gradient]
pub fn p56(z: f64) -> f64 {
    z.max(0.0)
}

#[gradient]
pub fn p56_zero_first(z: f64) -> f64 {
    f64::max(0.0, z)
}

#[gradient]
pub fn p56_branch(z: f64) -> f64 {
    if z > 0.0 { z } else { 0.0 }
}

#[gradient]
pub fn p57(z: f64) -> f64 {
    if z <= 0.0 { 0.0 } else { z }
}

#[gradient(wrt(w))]
pub fn p59(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    (w.dot(x) + b).max(0.0)
}

#[gradient(wrt(w))]
pub fn p59_branch(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    let z = w.dot(x) + b;
    if z > 0.0 { z } else { 0.0 }
}

#[gradient(wrt(w))]
pub fn p59_dynamic(w: &DVector<f64>, x: &DVector<f64>, b: f64) -> f64 {
    (w.dot(x) + b).max(0.0)
}

#[gradient(wrt(b))]
pub fn p60(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    (w.dot(x) + b).max(0.0)
}
