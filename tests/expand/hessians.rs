//! P85 and P86: the Hessians of xᵀ A x and of ‖A x − b‖².

use nalgebra::{DMatrix, DVector, Matrix4, SMatrix, SVector, Vector3, Vector4};
use nalgrad::hessian;

#[hessian(wrt(x))]
pub fn p85(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    x.dot(&(a * x))
}

#[hessian(wrt(v))]
pub fn p85_reversed(v: &DVector<f64>, m: &DMatrix<f64>) -> f64 {
    (m * v).dot(v)
}

#[hessian(wrt(x))]
pub fn p85_product(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    (x.transpose() * a * x)[0]
}

#[hessian(wrt(x))]
pub fn p85_static(x: &Vector4<f64>, a: &Matrix4<f64>) -> f64 {
    x.dot(&(a * x))
}

#[hessian(wrt(x))]
pub fn p86(x: &DVector<f64>, a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
    (a * x - b).norm_squared()
}

#[hessian(wrt(x))]
pub fn p86_steps(x: &DVector<f64>, a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
    let r = b - a * x;
    r.dot(&r)
}

#[hessian(wrt(u))]
pub fn p86_product(u: &DVector<f64>, m: &DMatrix<f64>, c: &DVector<f64>) -> f64 {
    let residual = m * u - c;
    (residual.transpose() * &residual)[0]
}

#[hessian(wrt(x))]
pub fn p86_sum(x: &DVector<f64>, a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
    (a * x - b).map(|r| r * r).sum()
}

#[hessian(wrt(x))]
pub fn p86_static(x: &Vector3<f64>, a: &SMatrix<f64, 6, 3>, b: &SVector<f64, 6>) -> f64 {
    (a * x - b).norm_squared()
}
