//! The `Option`s and `Result`s of calls, where the function is left if there is no value.

#![allow(
    clippy::manual_map,
    clippy::question_mark,
    reason = "that is what is tested"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use common::{assert_close, slope};
use list::functions_of_lists;
use nalgrad::differentiable;

#[differentiable]
fn root(x: f64) -> Option<f64> {
    if x < 0.0 {
        return None;
    }
    Some(x.sqrt())
}

#[differentiable]
fn logarithm(x: f64) -> Result<f64, String> {
    if x <= 0.0 {
        return Err(format!("no logarithm of {x}"));
    }
    Ok(x.ln())
}

#[differentiable]
fn polar(x: f64, y: f64) -> Option<(f64, f64)> {
    if x * x + y * y < 1e-3 {
        return None;
    }
    Some((x.hypot(y), y.atan2(x)))
}

const POINTS: [&[f64]; 2] = [&[0.7, 1.3], &[2.1, 0.4, 1.2]];

functions_of_lists! {
    by_a_panic(x) at POINTS {
        let Some(r) = root(x[0]) else {
            panic!("no root of {}", x[0]);
        };
        let l = match logarithm(x[1]) {
            Ok(l) => l,
            Err(e) => panic!("{e}"),
        };
        let last = root(x[1]).unwrap_or_else(|| panic!("no root"));
        r * l + last
    }

    in_a_loop(x) at POINTS {
        let mut total = 0.0;
        for v in x {
            let Some(r) = root(*v) else { unreachable!() };
            total += r * r * r;
        }
        total
    }

    of_tuples(x) at POINTS {
        match polar(x[0], x[1]) {
            Some((r, angle)) => r * angle,
            None => panic!("zero"),
        }
    }
}

macro_rules! leaving {
    ($($name:ident: $result:ty, $x:ident, $body:block)*) => {$(
        mod $name {
            use super::*;

            #[nalgrad::gradient]
            #[nalgrad::hessian]
            #[nalgrad::jvp]
            #[nalgrad::vjp]
            #[nalgrad::hvp]
            fn f($x: f64) -> $result $body

            #[test]
            fn derivatives() {
                let value = |x: f64| f(x).unwrap();
                let (same, gradient) = f_value_and_gradient(1.3).unwrap();
                assert_eq!(same.to_bits(), value(1.3).to_bits());
                assert_close(gradient, slope(|t| value(1.3 + t)));
                let second = slope(|t| f_gradient(1.3 + t).unwrap());
                assert_close(f_hessian(1.3).unwrap(), second);
                assert_close(f_jvp(1.3, 2.0).unwrap().1, 2.0 * gradient);
                assert_close(f_vjp(1.3).unwrap().1(2.0), 2.0 * gradient);
                assert_close(f_hvp(1.3, 2.0).unwrap().1, 2.0 * second);
                let expected = format!("{:?}", f(-2.0));
                assert_eq!(format!("{:?}", f_gradient(-2.0)), expected);
                assert_eq!(format!("{:?}", f_hessian(-2.0)), expected);
                assert_eq!(format!("{:?}", f_jvp(-2.0, 1.0)), expected);
                assert_eq!(format!("{:?}", f_hvp(-2.0, 1.0)), expected);
                assert_eq!(format!("{:?}", f_vjp(-2.0).map(|_| ())), expected);
            }
        }
    )*};
}

leaving! {
    let_else: Option<f64>, x, {
        let Some(r) = root(x) else { return None };
        Some(r * x)
    }
    if_let: Option<f64>, x, {
        if let Some(r) = root(x) { Some(r * x) } else { None }
    }
    matched: Option<f64>, x, {
        match logarithm(x) {
            Ok(l) => Some(l * x),
            Err(_) => None,
        }
    }
    another_error: Result<f64, String>, x, {
        let r = match root(x) {
            Some(r) => r,
            None => return Err(format!("no root of {x}")),
        };
        Ok(r * x)
    }
    the_same_error: Result<f64, String>, x, {
        let l = match logarithm(x) {
            Ok(l) => l,
            Err(e) => return Err(e),
        };
        Ok(l * x)
    }
    mapped_error: Result<f64, usize>, x, {
        let l = logarithm(x).map_err(|e| e.len())?;
        Ok(l * x)
    }
    made_an_error: Result<f64, String>, x, {
        let r = root(x).ok_or_else(|| "none".to_string())?;
        Ok(r * x)
    }
    no_error: Option<f64>, x, {
        let l = logarithm(x).ok()?;
        Some(l * x)
    }
    in_a_loop_that_leaves: Option<f64>, x, {
        let mut total = 1.0;
        for k in 1..4 {
            let Some(r) = root(total * x + k as f64) else { return None };
            total += r;
        }
        let Some(r) = root(x) else { return None };
        Some(total * r)
    }
}
