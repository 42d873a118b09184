//! The `Option`s and `Result`s of calls, where the function is left if there is no value, or goes on without one.

#![allow(
    clippy::manual_map,
    clippy::question_mark,
    clippy::unnecessary_unwrap,
    reason = "that is what is tested"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use common::{assert_close, slope};
use list::functions_of_lists;
use nalgebra::{Matrix2, Vector2};
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

#[differentiable]
fn direction(x: f64, y: f64) -> Option<Vector2<f64>> {
    Vector2::new(x, y).try_normalize(0.5)
}

#[differentiable]
fn solved(a: &Matrix2<f64>, b: &Vector2<f64>) -> Result<Vector2<f64>, String> {
    let inverse = a.try_inverse().ok_or("singular")?;
    Ok(inverse * b)
}

#[differentiable]
fn weighted(x: &[f64], scale: usize, y: f64) -> Option<f64> {
    if y < 0.0 {
        return None;
    }
    let total: f64 = x.iter().map(|v| v * v).sum();
    Some((total * scale as f64 + y).sqrt())
}

const POINTS: [&[f64]; 2] = [&[0.7, 1.3], &[2.1, 0.4, 1.2]];
const SIGNS: [&[f64]; 5] = [
    &[0.7, 1.3],
    &[-0.7, 1.3],
    &[0.4, -0.9],
    &[-1.1, -0.3, 0.8],
    &[2.1, 0.4, -1.2, 0.6],
];

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

functions_of_lists! {
    or_a_value(x) at SIGNS {
        let a = root(x[0]).unwrap_or(0.5) * x[1];
        let b = root(x[1]).unwrap_or(x[0]);
        a + b * b + logarithm(x[1] * x[0]).unwrap_or_default()
    }

    or_else(x) at SIGNS {
        let a = root(x[0]).unwrap_or_else(|| x[0] * x[1]);
        let b = logarithm(x[1]).unwrap_or_else(|_| a.sin());
        a * b + x[0]
    }

    mapped(x) at SIGNS {
        let a = root(x[0]).map_or(x[1], |r| r * r * r);
        let b = logarithm(x[1]).map_or_else(|_| x[0] * a, |l| l * x[0]);
        let c = root(x[1]).map(|r| r * x[0]).unwrap_or(1.5);
        let d = root(x[0]).filter(|r| *r > 0.7).unwrap_or(x[1]);
        let e = root(x[1]).and_then(|r| if r > 0.9 { Some(r * x[0]) } else { None }).unwrap_or(0.3);
        a * b + c * d + e * a
    }

    told_apart(x) at SIGNS {
        let mut total = if let Some(r) = root(x[0]) { r * x[1] } else { x[0] };
        total *= match logarithm(x[1]) {
            Ok(l) => l * l,
            Err(_) => x[1] * x[1],
        };
        match root(x[1] * x[0]) {
            None => total -= x[0],
            Some(r) => total += r,
        }
        total
    }

    asked_first(x) at SIGNS {
        let r = root(x[0]);
        let mut total = x[1];
        if r.is_some() {
            total *= r.unwrap();
        }
        let l = logarithm(x[1]);
        let none = l.is_err();
        if none { total * x[0] } else { total + l.unwrap_or(2.0) }
    }

    only_where_the_function_calls_it(x) at SIGNS {
        let positive = x[0] > 0.0;
        let mut total = x[1];
        if positive {
            total *= root(x[0]).unwrap();
        }
        if x[1] <= 0.0 { total * x[0] } else { total + x[1].ln() }
    }

    of_parts(x) at SIGNS {
        let (r, angle) = polar(x[0].max(0.0), x[1].max(0.0)).unwrap_or((0.5, x[0]));
        let way = match direction(x[0], x[1] * 0.5) {
            Some(way) => way,
            None => Vector2::new(x[1], 0.5),
        };
        r * angle + way.x * way.y * r
    }

    of_matrices(x) at SIGNS {
        let b = Vector2::new(x[0] * x[1], 1.0);
        let singular = Matrix2::new(x[0].max(0.0), 0.0, 1.0, x[1].max(0.0));
        let s = solved(&singular, &b).unwrap_or_else(|_| b * x[1]);
        let t = match solved(&Matrix2::new(1.0, x[0], x[1], 3.0), &s) {
            Ok(t) => t,
            Err(_) => s,
        };
        s.dot(&t) + t.x
    }

    by_lists(x) at SIGNS {
        let scale = x.len();
        let a = weighted(x, scale, x[1]).unwrap_or(0.1);
        let b = weighted(&x[1..], 2, x[0]).map_or(x[1], |w| w * a);
        a * b
    }

    one_after_the_other(x) at SIGNS {
        let a = root(x[0]).unwrap_or(x[1] * x[1] + 0.2);
        let b = match root(a - 0.5) {
            Some(b) => root(b * x[1]).unwrap_or(b),
            None => logarithm(a).unwrap_or(a),
        };
        a * b
    }

    on_sides(x) at SIGNS {
        let mut total = x[0];
        if x[1] > 0.0 {
            total += root(x[0]).unwrap_or(x[1]);
        } else if let Some(r) = root(-x[1]) {
            total *= r;
        }
        total
    }

    on_one_side(x) at SIGNS {
        let picked = if x[0] > 0.0 { root(x[1]) } else { None };
        picked.unwrap_or(x[0]) * x[1]
    }

    with_guards(x) at SIGNS {
        let l = match logarithm(x[1]) {
            Ok(l) if l > 0.1 => l * x[0],
            Ok(l) => l * l,
            Err(_) => x[1] * x[1],
        };
        l.sin()
    }

    in_loops(x) at SIGNS {
        let mut total = 1.0;
        for v in x {
            if let Some(r) = root(v * total) {
                total += r;
            } else {
                total = total * v + 2.0;
            }
        }
        for v in x {
            let Ok(l) = logarithm(*v) else { continue };
            total += l * v;
        }
        for v in x {
            let Some(r) = root(*v) else { break };
            total *= r;
        }
        let mut k = 0;
        while k < 3 {
            total += root(total - 1.0).unwrap_or(total * 0.5);
            k += 1;
        }
        total
    }

    in_iterators(x) at SIGNS {
        let total: f64 = x.iter().map(|v| root(*v).unwrap_or(v * v)).sum();
        let roots: f64 = x.iter().filter_map(|v| root(*v)).map(|r| r * r * r).sum();
        let logs: f64 = x.iter().filter_map(|v| logarithm(v * v - 0.3).ok()).sum();
        let some = x.iter().filter(|v| root(**v).is_some()).count();
        total * roots + logs * some as f64
    }

    in_variables(x) at SIGNS {
        let mut best: Option<f64> = None;
        for v in x {
            best = match (best, root(*v)) {
                (Some(b), Some(r)) => Some(b * r),
                (None, r) => r,
                (b, None) => b,
            };
        }
        let mut first: Option<f64> = root(x[1]);
        if first.is_none() {
            first = root(x[0]);
        }
        best.unwrap_or(0.4) * first.unwrap_or(x[0])
    }

    in_closures(x) at SIGNS {
        let safe = |v: f64| root(v).unwrap_or(v * 0.5);
        safe(x[0]) * safe(x[1] * x[0])
    }
}

mod effects {
    use nalgrad::{differentiable, gradient, jvp};
    use std::cell::Cell;

    #[differentiable(wrt(x))]
    fn counted(x: f64, made: &Cell<usize>) -> Option<f64> {
        made.set(made.get() + 1);
        if x < 0.0 { None } else { Some(x * x) }
    }

    #[gradient(wrt(x))]
    #[jvp]
    fn twice(x: f64, made: &Cell<usize>) -> f64 {
        let square = counted(x, made);
        let more = if square.is_some() { 1.0 } else { 2.0 };
        square.unwrap_or(x * 5.0) * more
    }

    #[test]
    fn it_is_called_once() {
        for (x, expected) in [(3.0, (9.0, 6.0)), (-1.0, (-10.0, 10.0))] {
            let made = Cell::new(0);
            assert_eq!((twice(x, &made), made.replace(0)), (expected.0, 1));
            assert_eq!(twice_value_and_gradient(x, &made), expected);
            assert_eq!(made.replace(0), 1);
            assert_eq!((twice_gradient(x, &made), made.replace(0)), (expected.1, 1));
            assert_eq!(twice_jvp(x, &made, 1.0), expected);
            assert_eq!(made.get(), 1);
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
    after_it_was_asked: Option<f64>, x, {
        let r = root(x);
        if r.is_none() { None } else { Some(r? * x) }
    }
    after_it_was_fine: Result<f64, String>, x, {
        let l = logarithm(x);
        if l.is_ok() { Ok(l.unwrap() * x) } else { Err(format!("no logarithm of {x}")) }
    }
    with_what_is_computed: Result<f64, String>, x, {
        let double = 2.0 * x;
        let Some(r) = root(double) else { return Err(format!("no root of {double}")) };
        Ok(r * x)
    }
    mapped_and_left: Option<f64>, x, {
        let r = root(x).filter(|r| *r > 0.1)?;
        Some(r * x)
    }
}
