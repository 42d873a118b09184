//! P63, P64 and P66: the mean squared error of a neuron, a sample a row of `x`.

use nalgebra::{DMatrix, DVector, SMatrix, SVector, Vector4};
use nalgrad::gradient;

#[gradient(wrt(w))]
pub fn p63(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let z = (x * w).add_scalar(b);
    (y - z.map(|z| z.max(0.0))).norm_squared() / y.len() as f64
}

#[gradient(wrt(v))]
pub fn p63_renamed(v: &DVector<f64>, c: f64, m: &DMatrix<f64>, t: &DVector<f64>) -> f64 {
    let activation = (m * v).add_scalar(c).map(|s| f64::max(0.0, s));
    (t - activation).norm_squared() / t.len() as f64
}

#[gradient(wrt(w))]
pub fn p63_fused(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    (x * w)
        .zip_map(y, |z, y| (y - (z + b).max(0.0)).powi(2))
        .sum()
        / y.len() as f64
}

#[gradient(wrt(w))]
pub fn p63_static(w: &Vector4<f64>, b: f64, x: &SMatrix<f64, 6, 4>, y: &SVector<f64, 6>) -> f64 {
    let z = (x * w).add_scalar(b);
    (y - z.map(|z| z.max(0.0))).norm_squared() / 6.0
}

#[gradient(wrt(b))]
pub fn p64(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let z = (x * w).add_scalar(b);
    (y - z.map(|z| z.max(0.0))).norm_squared() / y.len() as f64
}

#[gradient(wrt(what))]
pub fn p66(what: &DVector<f64>, xhat: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    (y - (xhat * what).map(|z| z.max(0.0))).norm_squared() / y.len() as f64
}
