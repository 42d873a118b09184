//! Closures bound to names, functions inside the body, and labelled blocks.

#![allow(
    dead_code,
    clippy::redundant_closure_call,
    clippy::items_after_statements,
    clippy::redundant_closure,
    reason = "some functions are known by their companions only; written as people write"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DVector, Matrix3, Vector3};
use nalgrad::{differentiable, gradient, hessian, hvp, jvp, vjp};
use std::cell::Cell;

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn called(x: f64, v: &Vector3<f64>) -> f64 {
    let square = |t: f64| t * t;
    let scale = 2.0;
    let k = |a: &Vector3<f64>, b: f64| {
        let n = a.norm();
        n * b * scale + x
    };
    let pair = |t: f64| (t.sin(), square(t));
    let (s, q) = pair(x * scale);
    let twice = |f_at: f64| square(square(f_at));
    let scale = 7.0;
    square(x) + k(v, 2.0) * s + k(&(v * x), scale) + twice(0.3 * q) + square(3.0)
}

#[test]
fn closures_that_are_called() {
    let (v, dv) = (Vector3::new(0.3, -0.8, 1.1), Vector3::new(1.0, 0.4, -0.7));
    for x in [0.4, -1.2] {
        let at = |t: f64| called(x + 0.3 * t, &(v + dv * t));
        let (value, (x_bar, v_bar)) = called_value_and_gradient(x, &v);
        assert_eq!(value, at(0.0));
        assert_close(0.3 * x_bar + v_bar.dot(&dv), slope(at));
        assert_close(called_jvp(x, &v, 0.3, &dv).1, slope(at));
        assert_close(called_vjp(x, &v).1(2.0).0, 2.0 * x_bar);
        let at = |t: f64| called_gradient(x + 0.3 * t, &(v + dv * t)).0;
        assert_close(called_hvp(x, &v, 0.3, &dv).1.0, slope(at));
    }
}

/// What a closure captures is what it was where the closure was written.
#[gradient]
fn captured(x: f64, y: f64) -> f64 {
    let a = x * y;
    let f = |t: f64| t * a + y;
    let a = 100.0;
    let mut z = x;
    z += f(a * x);
    let g = move |t: f64| {
        let inner = |s: f64| s * t + z;
        inner(t) + inner(2.0)
    };
    z *= 2.0;
    g(y) * z
}

#[gradient(wrt(x))]
#[vjp]
fn early(x: f64, flag: bool) -> f64 {
    let root = |t: f64| -> f64 {
        if t < 0.0 {
            return -t;
        }
        if flag {
            return t.sqrt();
        }
        let mut s = t;
        s *= t;
        s
    };
    root(x) * root(x - 1.0) + (|t: f64| t.exp())(x)
}

/// Entry by entry, by name.
#[gradient]
#[hvp]
fn given_by_name(v: &DVector<f64>, s: f64) -> f64 {
    let activation = |t: f64| if t > 0.0 { t * s } else { t.exp() };
    let join = |a: f64, b: f64| activation(a) * b.sin();
    fn cube(t: f64) -> f64 {
        t * t * t
    }
    let w = v.map(activation).zip_map(v, join);
    w.sum() + v.map(cube).map(|t| cube(t) * activation(t)).sum()
}

#[test]
fn what_closures_capture() {
    for (x, y) in [(0.4, 1.3), (-1.2, 0.7)] {
        let (value, (x_bar, y_bar)) = captured_value_and_gradient(x, y);
        let at = |t: f64| captured(x + 0.3 * t, y - 0.8 * t);
        assert_eq!(value, at(0.0));
        assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
        for flag in [false, true] {
            let at = |t: f64| early(x + t, flag);
            assert_eq!(early_value_and_gradient(x, flag).0, at(0.0));
            assert_close(early_gradient(x, flag), slope(at));
            assert_close(early_vjp(x, flag).1(2.0), 2.0 * slope(at));
        }
    }
    let (v, dv) = (vector(&[-0.7, 0.3, 1.4]), vector(&[0.3, 1.0, -0.8]));
    let (value, (v_bar, s_bar)) = given_by_name_value_and_gradient(&v, 0.6);
    let at = |t: f64| given_by_name(&(&v + &dv * t), 0.6 - t);
    assert_eq!(value, at(0.0));
    assert_close(v_bar.dot(&dv) - s_bar, slope(at));
    let at = |t: f64| given_by_name_gradient(&(&v + &dv * t), 0.6 - t).1;
    assert_close(given_by_name_hvp(&v, 0.6, &dv, -1.0).1.1, slope(at));
}

#[differentiable]
fn softplus(x: f64) -> f64 {
    x.exp().ln_1p()
}

#[gradient(wrt(x))]
#[hessian]
fn functions_inside(x: &Vector3<f64>, n: usize, weight: impl Fn(usize) -> f64) -> f64 {
    const HALF: f64 = 0.5;
    fn energy(v: &Vector3<f64>, n: usize) -> f64 {
        if n == 0 {
            return norm(v);
        }
        HALF * v.norm_squared() * n as f64 + softplus(v.x)
    }
    fn norm(v: &Vector3<f64>) -> f64 {
        v.norm()
    }
    fn rotated(v: &Vector3<f64>, (c, s): (f64, f64)) -> Vector3<f64> {
        Matrix3::new(c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0) * v
    }
    let turned = rotated(x, x.y.sin_cos());
    energy(&turned, n) + norm(x) * weight(n) + energy(&Vector3::new(1.0, 2.0, 3.0), n)
}

#[test]
fn functions_in_the_body() {
    let (x, dx) = (Vector3::new(0.3, -0.8, 1.1), Vector3::new(1.0, 0.4, -0.7));
    let weight = |n: usize| 1.0 + n as f64;
    for n in [0, 3] {
        let at = |t: f64| functions_inside(&(x + dx * t), n, weight);
        let (value, x_bar) = functions_inside_value_and_gradient(&x, n, weight);
        assert_eq!(value, at(0.0));
        assert_close(x_bar.dot(&dx), slope(at));
        let at = |t: f64| functions_inside_gradient(&(x + dx * t), n, weight);
        let h = functions_inside_hessian(&x, n, weight) * dx;
        for i in 0..3 {
            assert_close(h[i], slope(|t| at(t)[i]));
        }
    }
}

/// What a closure does besides happens when it is called, as often, and in order.
#[gradient(wrt(x))]
fn effects(x: f64, log: &Cell<u32>) -> f64 {
    let note = |n: u32| log.set(log.get() * 10 + n);
    let step = |t: f64, n: u32| {
        note(n);
        assert!(n < 9, "nine");
        t * f64::from(n)
    };
    let next = || {
        note(3);
        log.get()
    };
    let a = step(x, 1);
    note(2);
    step(a, next() % 7) + step(x, 4)
}

#[test]
fn effects_of_closures() {
    let (log, twin) = (Cell::new(0), Cell::new(0));
    let (value, x_bar) = effects_value_and_gradient(0.7, &log);
    assert_eq!(value, effects(0.7, &twin));
    assert_eq!(log.get(), twin.get());
    assert_close(x_bar, slope(|t| effects(0.7 + t, &Cell::new(0))));
    let log = Cell::new(0);
    effects_gradient(0.7, &log);
    assert_eq!(log.get(), twin.get());
}

#[gradient]
#[hvp]
fn labelled(x: f64, y: f64) -> f64 {
    let mut count = 0.0;
    let s = 'found: {
        if x > y {
            break 'found x * y;
        }
        count += y;
        let t = x - y;
        if t < -1.0 {
            count += t;
            break 'found t.exp();
        }
        t * t
    };
    s * x + count
}

#[test]
fn labelled_blocks() {
    for (x, y) in [(0.4, 0.3), (0.3, 0.4), (-1.0, 0.4)] {
        let at = |t: f64| labelled(x + 0.3 * t, y - 0.8 * t);
        let (value, (x_bar, y_bar)) = labelled_value_and_gradient(x, y);
        assert_eq!(value, at(0.0));
        assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
        let at = |t: f64| labelled_gradient(x + 0.3 * t, y - 0.8 * t).1;
        assert_close(labelled_hvp(x, y, 0.3, -0.8).1.1, slope(at));
    }
}
