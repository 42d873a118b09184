//! All derivatives of functions of a list.

#![allow(
    clippy::type_complexity,
    reason = "a function and what was written for it"
)]

use crate::common::{assert_close, slope};
use nalgebra::DMatrix;

/// A function and what was written for it.
pub struct Companions<'a> {
    pub f: &'a dyn Fn(&[f64]) -> f64,
    pub value_and_gradient: &'a dyn Fn(&[f64]) -> (f64, Vec<f64>),
    pub jacobian: &'a dyn Fn(&[f64]) -> DMatrix<f64>,
    pub hessian: &'a dyn Fn(&[f64]) -> DMatrix<f64>,
    pub jvp: &'a dyn Fn(&[f64], &[f64]) -> (f64, f64),
    pub pulled_back: &'a dyn Fn(&[f64], f64) -> Vec<f64>,
    pub hvp: &'a dyn Fn(&[f64], &[f64]) -> (Vec<f64>, Vec<f64>),
}

pub fn check(of: &Companions, points: &[&[f64]]) {
    for x in points {
        let (value, x_bar) = (of.value_and_gradient)(x);
        assert_eq!(value.to_bits(), (of.f)(x).to_bits());
        assert_eq!(x_bar.len(), x.len());
        let jacobian = (of.jacobian)(x);
        assert_eq!(jacobian.shape(), (1, x.len()));
        let hessian = (of.hessian)(x);
        for i in 0..x.len() {
            let mut dx = vec![0.0; x.len()];
            dx[i] = 1.0;
            let along = |t: f64| -> Vec<f64> {
                let mut moved = x.to_vec();
                moved[i] += t / 50.0;
                moved
            };
            assert_close(x_bar[i], slope(|t| (of.f)(&along(t))) * 50.0);
            let (same, tangent) = (of.jvp)(x, &dx);
            assert_eq!(value.to_bits(), same.to_bits());
            assert_close(tangent, x_bar[i]);
            assert_close(jacobian[i], x_bar[i]);
            assert_close((of.pulled_back)(x, 2.0)[i], 2.0 * x_bar[i]);
            let (gradient, product) = (of.hvp)(x, &dx);
            for j in 0..x.len() {
                assert_close(gradient[j], x_bar[j]);
                let second = slope(|t| (of.value_and_gradient)(&along(t)).1[j]) * 50.0;
                assert!(
                    (product[j] - second).abs() < 1e-7 * (1.0 + second.abs()),
                    "{i} {j} at {x:?}: {} and {second}",
                    product[j]
                );
                assert_close(hessian[(i, j)], product[j]);
            }
        }
    }
}

/// Functions of a list of numbers, each a test of all its derivatives at some points.
macro_rules! functions_of_lists {
    ($($name:ident($x:ident) at $points:tt $body:block)*) => {$(
        mod $name {
            use super::*;

            #[nalgrad::gradient]
            #[nalgrad::jacobian]
            #[nalgrad::hessian]
            #[nalgrad::jvp]
            #[nalgrad::vjp]
            #[nalgrad::hvp]
            fn f($x: &[f64]) -> f64 $body

            #[test]
            fn derivatives() {
                let of = crate::list::Companions {
                    f: &f,
                    value_and_gradient: &f_value_and_gradient,
                    jacobian: &f_jacobian,
                    hessian: &f_hessian,
                    jvp: &f_jvp,
                    pulled_back: &|x, y_bar| f_vjp(x).1(y_bar),
                    hvp: &f_hvp,
                };
                crate::list::check(&of, &$points);
            }
        }
    )*};
}

pub(crate) use functions_of_lists;
