//! `match`, `if let`, `let … else` and `matches!`: what decides, what is bound, and what never gets there.

#![allow(
    dead_code,
    clippy::needless_return,
    clippy::redundant_guards,
    clippy::single_match_else,
    clippy::match_bool,
    clippy::manual_let_else,
    reason = "some functions are known by their companions only; written as people write"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DVector, Vector3};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};
use std::cell::Cell;

#[derive(Debug, PartialEq)]
enum Kind {
    Linear,
    Leaky(f64),
    Smooth { width: f64, steep: bool },
    Sum(Box<Kind>, usize),
    Unknown,
}

// ---- on what carries no derivative ----

#[gradient(wrt(x))]
#[hvp]
#[jvp]
#[vjp]
#[hessian]
fn activation(x: f64, kind: &Kind, n: usize) -> f64 {
    let y = match kind {
        Kind::Linear => x,
        Kind::Leaky(slope) if *slope > 2.0 => 5.0 * x * x,
        Kind::Leaky(slope) => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Kind::Smooth { width, steep: true } => (x / width).tanh(),
        Kind::Smooth { width, .. } => {
            let t = x / width;
            t.exp().ln_1p()
        }
        Kind::Sum(inner, times) if matches!(**inner, Kind::Linear) => x * *times as f64,
        Kind::Sum(..) | Kind::Unknown => panic!("no such kind, at {x}"),
    };
    let z = match n {
        0 => y,
        k @ 1..=3 => y * k as f64,
        k if k % 2 == 0 => y.sin(),
        _ => 1.0,
    };
    z * z
}

#[test]
fn on_an_enum_and_an_integer() {
    let sum = Kind::Sum(Box::new(Kind::Linear), 3);
    let kinds = [
        Kind::Linear,
        Kind::Leaky(0.1),
        Kind::Leaky(3.0),
        Kind::Smooth {
            width: 2.0,
            steep: true,
        },
        Kind::Smooth {
            width: 2.0,
            steep: false,
        },
        sum,
    ];
    for kind in &kinds {
        for n in 0..7 {
            for x in [-1.3, 0.4] {
                let at = |t: f64| activation(x + t, kind, n);
                let (value, x_bar) = activation_value_and_gradient(x, kind, n);
                assert_eq!(value, at(0.0));
                assert_close(x_bar, slope(at));
                assert_close(activation_gradient(x, kind, n), x_bar);
                assert_close(activation_jvp(x, kind, n, 2.0).1, 2.0 * x_bar);
                let (again, pullback) = activation_vjp(x, kind, n);
                assert_eq!(again, value);
                assert_close(pullback(3.0), 3.0 * x_bar);
                let at = |t: f64| activation_gradient(x + t, kind, n);
                assert_close(activation_hvp(x, kind, n, 2.0).1, 2.0 * slope(at));
                assert_close(activation_hessian(x, kind, n), slope(at));
            }
        }
    }
}

#[test]
#[should_panic(expected = "no such kind, at 0.5")]
fn an_arm_that_panics() {
    activation_gradient(0.5, &Kind::Unknown, 0);
}

#[test]
#[should_panic(expected = "no such kind, at 0.5")]
fn an_arm_that_panics_in_a_pullback() {
    let _ = activation_vjp(0.5, &Kind::Unknown, 0);
}

/// Assigned in arms, without a value; on a text, a tuple and a condition.
#[gradient(wrt(v))]
#[hvp]
#[vjp]
fn assigned(v: &Vector3<f64>, name: &str, flags: (bool, i32)) -> f64 {
    let mut s = v.norm();
    let mut w = *v;
    match name {
        "double" => s *= 2.0,
        "square" => {
            s *= s;
            w = v.normalize();
        }
        _ => {}
    }
    match flags {
        (true, n @ (1 | 2)) => w *= f64::from(n),
        (false, _) => s += w.x,
        _ => (),
    }
    s * w.sum()
        + match v.len() {
            3 => s,
            _ => 0.0,
        }
}

#[test]
fn assignments_in_arms() {
    let (v, dv) = (Vector3::new(0.3, -0.8, 1.1), Vector3::new(1.0, 0.4, -0.7));
    for name in ["double", "square", "cube"] {
        for flags in [(true, 0), (true, 1), (true, 2), (false, 7)] {
            let at = |t: f64| assigned(&(v + dv * t), name, flags);
            let (value, v_bar) = assigned_value_and_gradient(&v, name, flags);
            assert_eq!(value, at(0.0));
            assert_close(v_bar.dot(&dv), slope(at));
            assert_close(
                assigned_vjp(&v, name, flags).1(2.0).dot(&dv),
                2.0 * v_bar.dot(&dv),
            );
            let at = |t: f64| assigned_gradient(&(v + dv * t), name, flags).dot(&dv);
            assert_close(assigned_hvp(&v, name, flags, &dv).1.dot(&dv), slope(at));
        }
    }
}

/// What is matched is evaluated once, in order, whatever it does.
#[gradient(wrt(x))]
fn counted(x: f64, count: &Cell<u32>) -> f64 {
    let next = || {
        count.set(count.get() + 1);
        count.get()
    };
    let y = match next() {
        1 => x,
        n if n == 2 && next() > 0 => x * x,
        n => x * f64::from(n),
    };
    match next() {
        5 => y.exp(),
        _ => y,
    }
}

#[test]
fn evaluated_once() {
    for begin in [0, 1, 2, 3, 4] {
        let (count, twin) = (Cell::new(begin), Cell::new(begin));
        let (value, x_bar) = counted_value_and_gradient(0.7, &count);
        assert_eq!(value, counted(0.7, &twin));
        assert_eq!(count.get(), twin.get());
        let at = |t: f64| counted(0.7 + t, &Cell::new(begin));
        assert_close(x_bar, slope(at));
        let count = Cell::new(begin);
        counted_gradient(0.7, &count);
        assert_eq!(count.get(), twin.get());
    }
}

/// Owned, moved by the arm that binds it.
#[gradient(wrt(x))]
#[vjp]
fn moved(x: f64, kind: Kind, weights: Option<Vec<f64>>) -> f64 {
    let scale = match weights {
        Some(weights) if weights.is_empty() => 2.0,
        Some(weights) => weights.into_iter().sum::<f64>(),
        None => 1.0,
    };
    match kind {
        Kind::Sum(inner, n) => {
            let k = match *inner {
                Kind::Leaky(slope) => slope,
                _ => n as f64,
            };
            x * k * scale
        }
        Kind::Leaky(x_0) => (x - x_0) * scale,
        other => x.powi(if other == Kind::Linear { 1 } else { 2 }),
    }
}

#[test]
fn what_is_moved() {
    let sum = |inner| Kind::Sum(Box::new(inner), 4);
    let weights = Some(vec![1.0, 2.5]);
    assert_close(
        moved_gradient(0.3, sum(Kind::Leaky(0.2)), weights.clone()),
        0.7,
    );
    assert_close(moved_gradient(0.3, sum(Kind::Linear), None), 4.0);
    assert_close(moved_gradient(0.3, Kind::Leaky(0.2), Some(Vec::new())), 2.0);
    assert_close(moved_gradient(0.3, Kind::Unknown, weights.clone()), 0.6);
    assert_close(moved_vjp(0.3, Kind::Linear, weights).1(2.0), 2.0);
}

// ---- on differentiated numbers ----

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn numbers(x: f64, y: f64) -> f64 {
    let s = match x * y {
        0.0 => x,
        v if v < -1.0 => v.exp(),
        -1.0..0.5 => x * x,
        w @ (0.5..=1.0 | 2.0) if y > 0.0 => w.sin(),
        ..LIMIT => y * x,
        LIMIT => 7.0,
        v => v.sqrt(),
    };
    let t = match (x > 0.0, y > 0.0) {
        (true, true) => s,
        (false, _) => s * x,
        (true, false) => s + y,
    };
    match (s, t, x > y) {
        (_, _, true) => t * t,
        (a, 0.0..1.0, _) => a * t,
        (a, b, false) => a - b,
    }
}

const LIMIT: f64 = 3.0;

#[test]
fn on_numbers() {
    let points = [
        (-0.9, 1.4),
        (-2.0, 1.4),
        (0.4, 0.3),
        (0.8, 0.9),
        (-0.8, -0.9),
        (1.5, 1.2),
        (2.5, 1.4),
        (-2.5, -1.4),
        (0.3, -0.2),
    ];
    for (x, y) in points {
        let at = |t: f64| numbers(x + 0.3 * t, y - 0.8 * t);
        let (value, (x_bar, y_bar)) = numbers_value_and_gradient(x, y);
        assert_eq!(value, at(0.0));
        assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
        assert_close(numbers_jvp(x, y, 0.3, -0.8).1, slope(at));
        assert_close(numbers_vjp(x, y).1(2.0).1, 2.0 * y_bar);
        let at = |t: f64| numbers_gradient(x + 0.3 * t, y - 0.8 * t).0;
        assert_close(numbers_hvp(x, y, 0.3, -0.8).1.0, slope(at));
    }
    // On the patterns themselves, and where nothing compares.
    for (x, y) in [
        (0.0, 2.0),
        (-0.0, 2.0),
        (1.0, 1.0),
        (1.5, 2.0),
        (1.0, 2.0),
        (f64::NAN, 1.0),
    ] {
        let value = numbers_value_and_gradient(x, y).0;
        assert_eq!(value.to_bits(), numbers(x, y).to_bits());
    }
    assert_eq!(numbers_gradient(1.5, 2.0), (0.0, 0.0));
}

#[gradient]
#[vjp]
fn in_closures(v: &DVector<f64>, kind: &Kind, limit: f64) -> f64 {
    let w = v.map(|e| match e {
        0.0 => 0.0,
        t if t > limit => t.ln(),
        ..=0.0 => 0.1 * e,
        _ => e * limit,
    });
    w.map(|e| match kind {
        Kind::Linear => e * e,
        Kind::Leaky(_) => e.sin(),
        _ => limit,
    })
    .sum()
        + v.zip_map(&w, |a, b| if matches!(a, 0.0..1.0) { a * b } else { b })
            .sum()
}

#[test]
fn entry_by_entry() {
    let (v, dv) = (
        vector(&[-0.7, 0.3, 2.4, 0.0]),
        vector(&[0.3, 1.0, -0.8, 0.0]),
    );
    for kind in [Kind::Linear, Kind::Leaky(1.0), Kind::Unknown] {
        let at = |t: f64| in_closures(&(&v + &dv * t), &kind, 1.2 + t);
        let (value, (v_bar, limit_bar)) = in_closures_value_and_gradient(&v, &kind, 1.2);
        assert_eq!(value, at(0.0));
        assert_close(v_bar.dot(&dv) + limit_bar, slope(at));
        assert_close(in_closures_vjp(&v, &kind, 1.2).1(2.0).1, 2.0 * limit_bar);
    }
}

// ---- if let, let else, early exits ----

#[gradient(wrt(x))]
#[hvp]
#[vjp]
fn early(x: f64, scale: Option<f64>, kind: &Kind) -> f64 {
    let Some(scale) = scale else {
        return 0.5 * x;
    };
    let w = match kind {
        Kind::Linear => x * scale,
        Kind::Leaky(a) => x * a,
        _ => return x * x,
    };
    if let Kind::Leaky(x) = kind
        && *x > 1.0
    {
        return w * x;
    }
    let w = if let Kind::Leaky(a) = kind
        && x > *a
    {
        w * a
    } else {
        w
    };
    let y = if w > 1.0 { w.ln() } else { return w };
    match y {
        0.0..0.5 => {}
        _ => return y * y,
    }
    y * y * x
}

#[test]
fn early_returns() {
    let kinds = [
        Kind::Linear,
        Kind::Leaky(0.4),
        Kind::Leaky(1.7),
        Kind::Unknown,
    ];
    for kind in &kinds {
        for scale in [None, Some(1.6), Some(-2.0)] {
            for x in [-0.7, 0.2, 0.9, 3.1] {
                let at = |t: f64| early(x + t, scale, kind);
                let (value, x_bar) = early_value_and_gradient(x, scale, kind);
                assert_eq!(value, at(0.0));
                assert_close(x_bar, slope(at));
                assert_close(early_gradient(x, scale, kind), x_bar);
                assert_close(early_vjp(x, scale, kind).1(2.0), 2.0 * x_bar);
                let at = |t: f64| early_gradient(x + t, scale, kind);
                assert_close(early_hvp(x, scale, kind, 1.0).1, slope(at));
            }
        }
    }
}

#[gradient(wrt(x))]
#[hvp]
#[vjp]
#[jacobian]
fn without_a_value(x: f64, scale: Option<f64>, limits: &[f64]) -> Option<f64> {
    let y = match scale {
        Some(s) => x * s,
        None => return None,
    };
    let [low, high] = limits else { return None };
    if y > *high {
        None
    } else if y > *low {
        return Some(y * y);
    } else if let Some(first) = limits.first()
        && *first > 0.0
    {
        Some(y + first)
    } else {
        None
    }
}

#[jvp]
#[gradient]
fn failing(x: f64, y: f64) -> Result<f64, String> {
    let t = match x - y {
        d if d < 0.0 => return Err(format!("{d} is negative")),
        0.0 => unreachable!("equal at {x}"),
        d => d.sqrt(),
    };
    match t {
        0.0..1.0 => Ok(t * y),
        t if t > 3.0 => Err("far".to_string()),
        _ => Ok(t * x),
    }
}

#[test]
fn exits_without_a_value() {
    for (x, scale, low) in [
        (0.3, Some(2.0), 0.1),
        (0.3, Some(1.0), 0.9),
        (0.3, Some(-1.0), 0.9),
    ] {
        let at = |t: f64| without_a_value(x + t, scale, &[low, 1.0]).unwrap();
        let (value, x_bar) = without_a_value_value_and_gradient(x, scale, &[low, 1.0]).unwrap();
        assert_eq!(value, at(0.0));
        assert_close(x_bar, slope(at));
        assert_close(
            without_a_value_jacobian(x, scale, &[low, 1.0]).unwrap(),
            x_bar,
        );
        let limits = [low, 1.0];
        let (_, pullback) = without_a_value_vjp(x, scale, &limits).unwrap();
        assert_close(pullback(2.0), 2.0 * x_bar);
        let at = |t: f64| without_a_value_gradient(x + t, scale, &[low, 1.0]).unwrap();
        assert_close(
            without_a_value_hvp(x, scale, &[low, 1.0], 1.0).unwrap().1,
            slope(at),
        );
    }
    let none: [(f64, Option<f64>, &[f64]); 4] = [
        (0.3, None, &[0.0, 1.0]),
        (0.3, Some(1.0), &[0.0]),
        (0.3, Some(9.0), &[0.0, 1.0]),
        (0.3, Some(-9.0), &[0.0, 1.0]),
    ];
    for (x, scale, limits) in none {
        assert!(without_a_value(x, scale, limits).is_none());
        assert!(without_a_value_gradient(x, scale, limits).is_none());
        assert!(without_a_value_vjp(x, scale, limits).is_none());
    }
    for (x, y) in [(1.3, 0.8), (4.0, 0.8)] {
        let at = |t: f64| failing(x + t, y).unwrap();
        assert_close(failing_gradient(x, y).unwrap().0, slope(at));
        assert_eq!(
            failing_jvp(x, y, 1.0, 0.0).unwrap().0,
            failing(x, y).unwrap()
        );
    }
    assert_eq!(failing_gradient(1.0, 2.0).unwrap_err(), "-1 is negative");
    assert_eq!(failing_jvp(20.0, 2.0, 1.0, 1.0).unwrap_err(), "far");
}

#[test]
#[should_panic(expected = "internal error: entered unreachable code: equal at 2")]
fn an_arm_that_is_unreachable() {
    let _ = failing_gradient(2.0, 2.0);
}
