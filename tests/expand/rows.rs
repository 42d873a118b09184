//! The derivative of a number by a vector is a row.

use nalgebra::{DVector, Vector2, Vector4};
use nalgrad::jacobian;

#[jacobian]
pub fn row_p13(x: &Vector2<f64>) -> f64 {
    3.0 * x[0].powi(2) * x[1]
}

#[jacobian]
pub fn row_p38(x: &Vector4<f64>) -> f64 {
    x.sum()
}

#[jacobian(wrt(x))]
pub fn row_p39(x: &DVector<f64>, z: f64) -> f64 {
    (x * z).sum()
}

#[jacobian(wrt(w))]
pub fn row_p51(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.dot(x)
}

#[jacobian(wrt(w))]
pub fn row_p51_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    w.dot(x)
}

#[jacobian(wrt(w))]
pub fn row_p53(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.component_mul(x).sum()
}

#[jacobian]
pub fn row_p72(x: &DVector<f64>) -> f64 {
    x.mean()
}

#[jacobian]
pub fn row_square(x: &Vector4<f64>) -> f64 {
    x.norm_squared()
}

#[jacobian]
pub fn row_square_dynamic(x: &DVector<f64>) -> f64 {
    x.dot(x)
}
