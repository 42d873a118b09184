//! P33 to P36 and P68 to P70: a vector and a number, which stands for a vector of it.

use nalgebra::{DVector, Vector4};
use nalgrad::jacobian;

#[jacobian(wrt(x))]
pub fn p33(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.add_scalar(z)
}

#[jacobian(wrt(x))]
pub fn p33_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| z + x)
}

#[jacobian(wrt(x))]
pub fn p33_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.add_scalar(z)
}

#[jacobian(wrt(z))]
pub fn p34(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.add_scalar(z)
}

#[jacobian(wrt(s))]
pub fn p34_repeat(v: &Vector4<f64>, s: f64) -> Vector4<f64> {
    Vector4::repeat(s) + v
}

#[jacobian(wrt(z))]
pub fn p34_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.add_scalar(z)
}

#[jacobian(wrt(z))]
pub fn p34_dynamic_map(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.map(|entry| z + entry)
}

#[jacobian(wrt(x))]
pub fn p35(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x * z
}

#[jacobian(wrt(x))]
pub fn p35_reversed(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    z * x
}

#[jacobian(wrt(x))]
pub fn p35_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|entry| z * entry)
}

#[jacobian(wrt(x))]
pub fn p35_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x * z
}

#[jacobian(wrt(z))]
pub fn p36(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x * z
}

#[jacobian(wrt(z))]
pub fn p36_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|entry| z * entry)
}

#[jacobian(wrt(z))]
pub fn p36_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x * z
}

#[jacobian(wrt(z))]
pub fn p36_dynamic_reversed(x: &DVector<f64>, z: f64) -> DVector<f64> {
    z * x
}

#[jacobian(wrt(z))]
pub fn p68(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.add_scalar(-z)
}

#[jacobian(wrt(z))]
pub fn p68_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| x - z)
}

#[jacobian(wrt(z))]
pub fn p68_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.map(|x| x - z)
}

#[jacobian(wrt(z))]
pub fn p69(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x / z
}

#[jacobian(wrt(z))]
pub fn p69_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| x / z)
}

#[jacobian(wrt(z))]
pub fn p69_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x / z
}

#[jacobian(wrt(c))]
pub fn p69_dynamic_reciprocal(v: &DVector<f64>, c: f64) -> DVector<f64> {
    v * (1.0 / c)
}

#[jacobian(wrt(x))]
pub fn p70(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| z / x)
}

#[jacobian(wrt(x))]
pub fn p70_repeat(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    Vector4::repeat(z).component_div(x)
}

#[jacobian(wrt(x))]
pub fn p70_reciprocal(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| x.recip()) * z
}

#[jacobian(wrt(x))]
pub fn p70_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.map(|x| z / x)
}
