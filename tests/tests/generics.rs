//! Generic functions: numbers of the generic type, sizes, lifetimes.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]
#![allow(clippy::clone_on_copy, reason = "generic code is written so")]

mod common;

use common::{assert_close, slope};
use nalgebra::{DMatrix, DVector, RealField, SMatrix, SVector, Vector2, Vector3};
use nalgrad::{gradient, hessian, jacobian, jvp, vjp};
use num_dual::Dual64;

#[gradient]
fn from_f64<T: RealField + Copy>(x: T) -> T {
    let half = T::from_f64(0.5).unwrap();
    half * x * x
}

#[gradient]
fn convert<T: RealField + Copy>(x: T) -> T {
    let half: T = nalgebra::convert(0.5);
    half * x * x + nalgebra::convert::<f64, T>(2.0) * x
}

#[gradient]
fn constants<T: RealField + Copy>(x: T) -> T {
    T::one() / (T::one() + (-x).exp()) + T::pi() * x - T::zero() + T::frac_pi_2() * x
}

#[gradient]
#[hessian]
fn clones<T: RealField + Copy>(p: &Vector3<T>) -> T {
    p[0].clone() * p[1].clone() + p.z.clone().powi(2)
}

#[jacobian]
fn project<T: RealField + Copy>(p: &Vector3<T>) -> Vector2<T> {
    let (x, y, z) = (p.x.clone(), p.y.clone(), p.z.clone());
    Vector2::new(x / z, y / z)
}

#[gradient]
#[jvp]
#[vjp]
fn sized<T, const R: usize, const C: usize>(a: &SMatrix<T, R, C>, x: &SVector<T, C>) -> T
where
    T: RealField + Copy,
{
    (a * x).norm_squared()
}

#[gradient(wrt(x))]
fn lifetimes<'a, T: RealField + Copy>(a: &'a DMatrix<T>, x: &'a DVector<T>) -> T {
    (a * x).norm()
}

#[gradient(wrt(x))]
fn with_closure<T: RealField + Copy, F: Fn(usize) -> T>(x: &DVector<T>, f: F) -> T {
    let w = f(3);
    w * x.sum()
}

#[gradient(wrt(x))]
fn converted<T: RealField + Copy>(x: &DVector<T>, n: usize) -> T {
    let scale: T = nalgebra::convert(n as f64);
    x.map(|z| z.max(T::zero()) * T::from_f64(2.0).unwrap())
        .sum()
        / scale
}

#[gradient(wrt(x))]
fn casts<T: RealField + Copy>(x: &DVector<T>) -> T {
    x.sum() / T::from_usize(x.len()).unwrap()
}

#[gradient(wrt(x))]
fn by_na<T: nalgebra::RealField + Copy>(x: &nalgebra::DVector<T>) -> T {
    let two = T::one() + T::one();
    x.norm_squared() / two
}

#[gradient(wrt(x))]
fn of_products<T: RealField + Copy>(x: &DMatrix<T>, a: &DMatrix<T>) -> T {
    let m = (a * x).transpose() * a * x.transpose();
    m.dot(&m)
}

/// Numbers for which nalgebra has no product by blocks, in matrices of sizes for which it has one of `f64`.
#[test]
fn products_of_other_numbers() {
    let n = 9;
    let at = |i: usize, j: usize| ((3 * i + 5 * j) as f64).sin();
    let along = |i: usize, j: usize| ((2 * i + 7 * j) as f64).cos();
    let (x, a) = (DMatrix::from_fn(n, n, at), DMatrix::from_fn(n, n, along));
    let moving = DMatrix::from_fn(n, n, |i, j| Dual64::new(at(i, j), along(i, j)));
    let gradient = of_products_gradient(&moving, &a.map(Dual64::from_re));
    let (value, plain) = of_products_value_and_gradient(&x, &a);
    assert!((gradient.map(|g| g.re) - &plain).norm() < 1e-12 * plain.norm());
    let slope = gradient.dot(&moving).eps;
    // By Euler: of degree 4, so that <∇f(x), x> is 4 f(x), and its slope along d is 4 <∇f(x), d>.
    let expected = 4.0 * plain.dot(&DMatrix::from_fn(n, n, along));
    assert!((slope - expected).abs() < 1e-11 * value);
}

#[test]
fn generics() {
    assert_eq!(from_f64_gradient(3.0), 3.0);
    assert_eq!(from_f64_gradient(3.0_f32), 3.0);
    assert_eq!(convert_gradient(3.0), 5.0);
    let s = 1.0 / (1.0 + (-0.3_f64).exp());
    assert_close(
        constants_gradient(0.3),
        s * (1.0 - s) + 1.5 * std::f64::consts::PI,
    );
    assert_eq!(
        clones_gradient(&Vector3::new(1.0, 2.0, 3.0)),
        Vector3::new(2.0, 1.0, 6.0)
    );
    assert_eq!(clones_hessian(&Vector3::new(1.0, 2.0, 3.0))[(2, 2)], 2.0);
    assert_eq!(project_jacobian(&Vector3::new(1.0, 2.0, 2.0))[(1, 2)], -0.5);
    let a = SMatrix::<f64, 2, 1>::new(1.0, 2.0);
    assert_eq!(sized_gradient(&a, &SVector::<f64, 1>::new(3.0)).1[0], 30.0);
    let x = DVector::from_vec(vec![3.0, 4.0]);
    assert_eq!(lifetimes_gradient(&DMatrix::identity(2, 2), &x)[1], 0.8);
    assert_eq!(with_closure_gradient(&x, |n| n as f64)[0], 3.0);
    assert_eq!(converted_gradient(&x, 4)[0], 0.5);
    assert_eq!(casts_gradient(&x)[0], 0.5);
    assert_eq!(by_na_gradient(&x), x);
}

/// A tenth is another number in each precision.
#[gradient]
fn tenths<T: RealField + Copy>(x: T, n: i32) -> T {
    let scale = T::from_i32(n).expect("a whole number");
    (x * T::from_f64(0.1).unwrap()).sin() * T::from_f64(-0.3).unwrap()
        + x * x * nalgebra::convert(0.7) * scale
}

#[test]
fn values_are_those_of_the_function() {
    for k in 0..20 {
        let x = 0.3 + f64::from(k);
        let (value, gradient) = tenths_value_and_gradient(x, 3);
        assert_eq!(value.to_bits(), tenths(x, 3).to_bits());
        assert_close(gradient, slope(|t| tenths(x + t, 3)));
        let single = x as f32;
        let (value, _) = tenths_value_and_gradient(single, 3);
        assert_eq!(value.to_bits(), tenths(single, 3).to_bits());
    }
}
