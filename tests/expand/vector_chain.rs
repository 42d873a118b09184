//! P48 to P50 and P76 to P78: chains of vectors.

use nalgebra::{DMatrix, DVector, Matrix2x4, Matrix3x2, Matrix3x4, Vector2, Vector3, Vector4};
use nalgrad::jacobian;

#[jacobian]
pub fn p48(x: f64) -> Vector2<f64> {
    Vector2::new(x.powi(2).ln(), (3.0 * x).sin())
}

#[jacobian]
pub fn p48_steps(t: f64) -> Vector2<f64> {
    let (g1, g2) = (t * t, t * 3.0);
    let f1 = g1.ln();
    Vector2::new(f1, g2.sin())
}

#[jacobian]
pub fn p48_vector(x: f64) -> Vector2<f64> {
    let g = Vector2::new(x * x, x * 3.0);
    Vector2::new(g[0].ln(), g[1].sin())
}

#[jacobian]
pub fn p48_dynamic(x: f64) -> DVector<f64> {
    DVector::from_vec(vec![x.powi(2).ln(), (3.0 * x).sin()])
}

#[jacobian(wrt(x))]
pub fn p49(x: &Vector4<f64>, a: &Matrix3x4<f64>) -> Vector3<f64> {
    let g = a * x;
    g.map(|g| g.sin()) * g[0]
}

#[jacobian]
pub fn p50(x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| x.powi(3).tanh())
}

#[jacobian]
pub fn p50_steps(x: &Vector4<f64>) -> Vector4<f64> {
    let g = x.map(|x| x.powi(3));
    g.map(f64::tanh)
}

#[jacobian]
pub fn p50_dynamic(x: &DVector<f64>) -> DVector<f64> {
    x.map(|x| x.powi(3).tanh())
}

#[jacobian]
pub fn p76(x: f64) -> Vector3<f64> {
    let u = x.powi(2);
    Vector3::new(u.sin(), u.exp(), u.powi(3))
}

#[jacobian(wrt(x))]
pub fn p77(x: f64, a: &Matrix3x2<f64>) -> Vector3<f64> {
    let u = Vector2::new(x.sin(), x.powi(3));
    (a * u).map(|v| v.tanh())
}

#[jacobian(wrt(x))]
pub fn p78(x: &Vector4<f64>, a: &Matrix3x2<f64>, b: &Matrix2x4<f64>) -> Vector3<f64> {
    let u = (b * x).map(|u| u.sin());
    a * u
}

#[jacobian(wrt(x))]
pub fn p78_dynamic(x: &DVector<f64>, a: &DMatrix<f64>, b: &DMatrix<f64>) -> DVector<f64> {
    a * (b * x).map(f64::sin)
}
