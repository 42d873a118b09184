//! Whatever does not depend on a parameter is any Rust at all, and runs once, in order.

use std::cell::RefCell;
use std::collections::HashMap;
use std::f64::consts::PI;

use nalgebra::{DMatrix, DVector, Vector2};
use nalgrad::gradient;

use crate::close;

/// Loops, `match`, assignments and all, none of which touches `x`.
#[gradient(wrt(x))]
fn busy(x: f64, n: usize, mode: Option<&str>, table: &HashMap<String, f64>) -> f64 {
    use std::f64::consts::TAU;
    const HALF: f64 = 0.5;
    fn double(y: f64) -> f64 {
        2.0 * y
    }
    let mut factorial = 1.0;
    for i in 1..=n {
        if i == 4 {
            continue;
        }
        factorial *= i as f64;
    }
    let mut halvings = 0;
    let mut rest = n;
    while rest > 1 {
        rest /= 2;
        halvings += 1;
    }
    let scale = match mode {
        Some(name) => table.get(name).copied().unwrap_or(1.0),
        None => {
            let mut pieces = vec![1.0, 2.0, HALF];
            pieces.sort_by(f64::total_cmp);
            pieces.iter().sum::<f64>()
        }
    };
    let offset = loop {
        break double(factorial) / TAU;
    };
    assert!(halvings < 64, "{halvings} halvings");
    scale * x * x + offset * x + PI * f64::from(halvings)
}

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn log(text: String) {
    LOG.with(|log| log.borrow_mut().push(text));
}

/// Prints what it computes.
#[gradient]
fn chatty(x: f64, w: &DVector<f64>) -> f64 {
    let entries = w.len();
    log(format!("start {entries}"));
    let y = x * x;
    println!("y is {y}, {:?} and {}", w.shape(), x + 1.0);
    debug_assert!(y >= 0.0, "{y} is negative");
    assert_eq!(w.len(), 2);
    let norm = w.norm_squared();
    log(String::from("end"));
    y * norm
}

/// Counts on an argument that is nobody's business.
#[gradient(wrt(x))]
fn counting(x: f64, calls: &mut usize, sink: &mut Vec<usize>) -> f64 {
    *calls += 1;
    sink.push(*calls);
    x.exp()
}

struct Weather {
    wind: Vector2<f64>,
    pressure: Vec<f64>,
}

/// Fields and entries of things that are not nalgebra's.
#[gradient(wrt(x))]
fn drag(x: &Vector2<f64>, weather: &Weather, at: usize) -> f64 {
    let relative = x - weather.wind;
    let pressure = weather.pressure[at];
    pressure * relative.norm_squared()
}

/// `n` is an integer and stays one: its division is that of integers.
#[gradient]
fn integers(x: f64, n: usize) -> f64 {
    let half = (n / 2) as f64;
    half * x + (7 % n) as f64 * x * x
}

/// What passes through an integer or a comparison has derivative zero.
#[gradient]
fn steps(x: f64) -> f64 {
    let whole = (x as i64) as f64;
    let sign = if x > 0.0 { 1.0 } else { -1.0 };
    x * whole + sign
}

/// A closure that touches no parameter, and one over the entries that captures a local.
#[gradient(wrt(x))]
fn closures(x: &DMatrix<f64>, power: i32) -> f64 {
    let weigh = |i: usize| 1.0 / (1.0 + i as f64);
    let weight = weigh(power as usize);
    x.map(|entry| weight * entry.powi(power)).sum()
}

#[test]
fn any_rust_at_all() {
    let table = HashMap::from([(String::from("steep"), 3.0)]);
    // 5! without its 4.
    let offset = 2.0 * 30.0 / (2.0 * PI);
    let dx = busy_gradient(0.7, 5, Some("steep"), &table);
    assert!(close(dx, 6.0 * 0.7 + offset));
    let (value, dx) = busy_value_and_gradient(0.7, 5, None, &table);
    assert!(close(dx, 7.0 * 0.7 + offset));
    assert_eq!(value, busy(0.7, 5, None, &table));
}

#[test]
fn effects_run_once_in_order() {
    let w = DVector::from_row_slice(&[1.0, 2.0]);
    let (dx, dw) = chatty_gradient(3.0, &w);
    assert!(close(dx, 30.0) && (dw - &w * 18.0).amax() < 1e-12);
    let log = LOG.with(RefCell::take);
    assert_eq!(log, ["start 2", "end"]);
    let (value, _) = chatty_value_and_gradient(3.0, &w);
    assert_eq!(LOG.with(RefCell::take), log);
    assert_eq!(value, chatty(3.0, &w));

    let (mut calls, mut sink) = (0, Vec::new());
    assert!(close(
        counting_gradient(0.5, &mut calls, &mut sink),
        0.5_f64.exp()
    ));
    let (value, _) = counting_value_and_gradient(0.5, &mut calls, &mut sink);
    assert_eq!(value, counting(0.5, &mut calls, &mut sink));
    assert_eq!((calls, sink), (3, vec![1, 2, 3]));
}

#[test]
fn inert_values() {
    let weather = Weather {
        wind: Vector2::new(1.0, -1.0),
        pressure: vec![2.0, 4.0],
    };
    let x = Vector2::new(3.0, 0.5);
    let expected = (x - weather.wind) * 8.0;
    assert!((drag_gradient(&x, &weather, 1) - expected).amax() < 1e-12);
    assert_eq!(
        drag_value_and_gradient(&x, &weather, 1).0,
        drag(&x, &weather, 1)
    );

    assert!(close(integers_gradient(0.5, 5), 2.0 + 2.0));
    assert_eq!(integers_value_and_gradient(0.5, 5).0, integers(0.5, 5));

    assert_eq!(steps_gradient(3.75), 3.0);
    assert_eq!(steps_value_and_gradient(-3.75), (steps(-3.75), -3.0));

    let x = DMatrix::from_row_slice(2, 2, &[1.0, -2.0, 0.5, 3.0]);
    let expected = x.map(|entry| 0.75 * entry * entry);
    assert!((closures_gradient(&x, 3) - expected).amax() < 1e-12);
    assert_eq!(closures_value_and_gradient(&x, 3).0, closures(&x, 3));
}
