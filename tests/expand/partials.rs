//! P9 to P17: partial derivatives, gradients and a Jacobian.

use nalgebra::{DVector, Vector2};
use nalgrad::{gradient, jacobian};

#[gradient(wrt(x))]
pub fn p9(x: f64, y: f64) -> f64 {
    x * y
}

#[gradient(wrt(y))]
pub fn p10(x: f64, y: f64) -> f64 {
    x * y
}

#[gradient(wrt(x))]
pub fn p11(x: f64, y: f64) -> f64 {
    3.0 * x.powi(2) * y
}

#[gradient(wrt(x))]
pub fn p11_reordered(x: f64, y: f64) -> f64 {
    y * x * 3.0 * x
}

#[gradient(wrt(y))]
pub fn p12(x: f64, y: f64) -> f64 {
    3.0 * x.powi(2) * y
}

#[gradient(wrt(y))]
pub fn p12_reordered(x: f64, y: f64) -> f64 {
    y * 3.0 * x * x
}

#[gradient]
pub fn p13(x: &Vector2<f64>) -> f64 {
    3.0 * x[0].powi(2) * x[1]
}

#[gradient]
pub fn p13_reordered(v: &Vector2<f64>) -> f64 {
    v[1] * v[0] * 3.0 * v[0]
}

#[gradient]
pub fn p13_fields(x: &Vector2<f64>) -> f64 {
    x.y * (3.0 * x.x * x.x)
}

#[gradient]
pub fn p13_dynamic(x: &DVector<f64>) -> f64 {
    3.0 * x[0].powi(2) * x[1]
}

#[gradient(wrt(x))]
pub fn p14(x: f64, y: f64) -> f64 {
    2.0 * x + y.powi(8)
}

#[gradient(wrt(y))]
pub fn p15(x: f64, y: f64) -> f64 {
    2.0 * x + y.powi(8)
}

#[gradient(wrt(y))]
pub fn p15_reordered(x: f64, y: f64) -> f64 {
    y.powf(8.0) + (x + x)
}

#[gradient]
pub fn p16(x: &Vector2<f64>) -> f64 {
    2.0 * x[0] + x[1].powi(8)
}

#[gradient]
pub fn p16_reordered(p: &Vector2<f64>) -> f64 {
    p[1].powi(8) + p[0] * 2.0
}

#[gradient]
pub fn p16_dynamic(x: &DVector<f64>) -> f64 {
    2.0 * x[0] + x[1].powi(8)
}

#[jacobian]
pub fn p17(x: &Vector2<f64>) -> Vector2<f64> {
    Vector2::new(3.0 * x[0].powi(2) * x[1], 2.0 * x[0] + x[1].powi(8))
}

#[jacobian]
pub fn p17_fields(p: &Vector2<f64>) -> Vector2<f64> {
    let first = p.x * p.x * (3.0 * p.y);
    let second = p.y.powf(8.0) + p.x * 2.0;
    Vector2::new(first, second)
}

#[jacobian]
pub fn p17_dynamic(x: &DVector<f64>) -> DVector<f64> {
    let (a, b) = (3.0 * x[0].powi(2) * x[1], 2.0 * x[0] + x[1].powi(8));
    DVector::from_vec(vec![a, b])
}
