//! All derivatives of a function of three numbers.

use super::common::{assert_close, slope};
use nalgebra::{Matrix3, SMatrix, Vector3};

type Vector = Vector3<f64>;

/// A function and what was written for it.
pub struct Companions<'a> {
    pub f: &'a dyn Fn(&Vector) -> f64,
    pub value_and_gradient: &'a dyn Fn(&Vector) -> (f64, Vector),
    pub jacobian: &'a dyn Fn(&Vector) -> SMatrix<f64, 1, 3>,
    pub hessian: &'a dyn Fn(&Vector) -> Matrix3<f64>,
    pub jvp: &'a dyn Fn(&Vector, &Vector) -> (f64, f64),
    pub pulled_back: &'a dyn Fn(&Vector, f64) -> Vector,
    pub hvp: &'a dyn Fn(&Vector, &Vector) -> (Vector, Vector),
}

pub fn check(of: &Companions) {
    let dx = Vector::new(0.7, 0.3, -0.1);
    for x in [[0.7, -1.3, 2.1], [1.5, 0.4, 0.9], [-0.6, 2.2, -1.7]] {
        let x = Vector::from(x);
        let (value, x_bar) = (of.value_and_gradient)(&x);
        assert_eq!(value.to_bits(), (of.f)(&x).to_bits());
        let along = |d: Vector| slope(|t| (of.f)(&(x + d * (t / 50.0)))) * 50.0;
        for k in 0..3 {
            assert_close(x_bar[k], along(Vector::ith(k, 1.0)));
        }
        assert_close((of.jvp)(&x, &dx).1, x_bar.dot(&dx));
        assert_close((of.pulled_back)(&x, 2.0).dot(&dx), 2.0 * x_bar.dot(&dx));
        assert_close(((of.jacobian)(&x) * dx)[0], x_bar.dot(&dx));
        let h_dx = (of.hvp)(&x, &dx).1;
        let gradient = |t: f64| (of.value_and_gradient)(&(x + dx * (t / 50.0))).1;
        for k in 0..3 {
            assert_close(h_dx[k], slope(|t| gradient(t)[k]) * 50.0);
            assert_close(((of.hessian)(&x) * dx)[k], h_dx[k]);
        }
    }
}
