//! Variables that change, and loops that add up.

#![allow(
    dead_code,
    clippy::assign_op_pattern,
    clippy::needless_range_loop,
    clippy::needless_late_init,
    clippy::toplevel_ref_arg,
    reason = "some functions are known by their companions only; written as people write"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DMatrix, DVector, Vector3};
use nalgrad::{gradient, hessian, hvp, jvp, vjp};

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn assigned(x: f64, y: f64) -> f64 {
    let mut s = x * y;
    s += x.sin();
    let before = s;
    s *= s;
    s -= before / y;
    s = s + before;
    let mut t = 1.0;
    t += 2.0;
    t *= s;
    t
}

#[gradient]
#[hvp]
#[vjp]
fn in_branches(x: f64, y: f64, flag: bool) -> f64 {
    let mut s = 0.5;
    let mut t = x;
    if x > y {
        s += x * y;
        t = t * 2.0;
    } else if flag {
        s += 1.0;
    } else {
        t += y;
        let x = s;
        t *= x;
    }
    if flag {
        t *= s;
    }
    if y < 0.0 {
        s = 2.0;
    }
    s * t
}

#[test]
fn numbers_that_change() {
    for (x, y) in [(0.4, 1.3), (1.4, 0.3), (0.2, -0.7), (-2.0, -0.7)] {
        let (x_bar, y_bar) = assigned_gradient(x, y);
        let at = |t: f64| assigned(x + 0.3 * t, y - 0.8 * t);
        assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
        assert_eq!(assigned_value_and_gradient(x, y).0, assigned(x, y));
        assert_close(assigned_jvp(x, y, 0.3, -0.8).1, slope(at));
        assert_close(assigned_vjp(x, y).1(2.0).0, 2.0 * x_bar);
        let at = |t: f64| assigned_gradient(x + 0.3 * t, y - 0.8 * t).0;
        assert_close(assigned_hvp(x, y, 0.3, -0.8).1.0, slope(at));
        for flag in [false, true] {
            let (value, (x_bar, y_bar)) = in_branches_value_and_gradient(x, y, flag);
            assert_eq!(value, in_branches(x, y, flag));
            let at = |t: f64| in_branches(x + 0.3 * t, y - 0.8 * t, flag);
            assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
            assert_close(in_branches_vjp(x, y, flag).1(2.0).1, 2.0 * y_bar);
            let at = |t: f64| in_branches_gradient(x + 0.3 * t, y - 0.8 * t, flag).1;
            assert_close(in_branches_hvp(x, y, flag, 0.3, -0.8).1.1, slope(at));
        }
    }
}

#[gradient]
#[vjp]
fn vectors(x: &DVector<f64>, a: &DMatrix<f64>, v: Vector3<f64>) -> f64 {
    let mut r = a * x;
    r *= 2.0;
    r += a * x;
    let mut w = v;
    if w.norm() > 1.0 {
        w = w.normalize();
        r -= x.norm() * a * x;
    }
    let mut sum = DVector::zeros(3);
    sum += &r;
    sum += r;
    sum.norm_squared() + w.sum()
}

#[test]
fn vectors_that_change() {
    let a = DMatrix::from_row_slice(3, 2, &[0.3, -0.4, 1.1, 0.2, -0.7, 0.5]);
    let (x, dx) = (vector(&[0.4, -0.9]), vector(&[1.5, 0.3]));
    for v in [Vector3::new(0.1, 0.2, 0.3), Vector3::new(1.1, -0.2, 0.3)] {
        let (value, (x_bar, a_bar, v_bar)) = vectors_value_and_gradient(&x, &a, v);
        assert_eq!(value, vectors(&x, &a, v));
        let dv = Vector3::new(0.3, 0.8, -1.0);
        let at = |t: f64| vectors(&(&x + &dx * t), &(&a * (1.0 + t)), v + dv * t);
        assert_close(x_bar.dot(&dx) + a_bar.dot(&a) + v_bar.dot(&dv), slope(at));
        assert_close(
            vectors_vjp(&x, &a, v).1(2.0).2.dot(&dv),
            2.0 * v_bar.dot(&dv),
        );
    }
}

// ---- loops ----

#[gradient(wrt(w, b))]
#[hvp]
#[jvp]
#[vjp]
fn loss(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let mut total = 0.0;
    for i in 0..y.len() {
        let z = x[(i, 0)] * w[0] + x[(i, 1)] * w[1] + b;
        let r = z.tanh() - y[i];
        total += r * r;
    }
    let mut weight = 0.0;
    for j in 0..w.len() {
        weight += w[j] * w[j];
    }
    total / y.len() as f64 + 0.1 * weight
}

#[gradient]
#[hessian]
fn rosenbrock(x: &[f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..x.len() - 1 {
        sum += 100.0 * (x[i + 1] - x[i] * x[i]).powi(2) + (1.0 - x[i]).powi(2);
    }
    sum
}

#[gradient]
fn ranges(x: &DVector<f64>, s: f64) -> f64 {
    let n = x.len();
    let mut up = s;
    let mut down = 1.0;
    for k in 1..=n - 1 {
        let t = x[k] * s;
        up += if t > 0.0 { t.sqrt() } else { t * k as f64 };
        down -= x[k - 1] * x[k];
    }
    for _ in n..n {
        up += s;
    }
    up * down
}

#[test]
fn loops_that_add_up() {
    let x = DMatrix::from_row_slice(3, 2, &[0.3, -0.4, 1.1, 0.2, -0.7, 0.5]);
    let (w, dw, y) = (
        vector(&[0.4, -0.9]),
        vector(&[1.5, 0.3]),
        vector(&[0.1, 0.9, -0.3]),
    );
    let (value, (w_bar, b_bar)) = loss_value_and_gradient(&w, 0.2, &x, &y);
    assert_eq!(value, loss(&w, 0.2, &x, &y));
    let at = |t: f64| loss(&(&w + &dw * t), 0.2 + 0.7 * t, &x, &y);
    assert_close(w_bar.dot(&dw) + 0.7 * b_bar, slope(at));
    assert_close(loss_jvp(&w, 0.2, &x, &y, &dw, 0.7).1, slope(at));
    assert_close(loss_vjp(&w, 0.2, &x, &y).1(2.0).1, 2.0 * b_bar);
    let at = |t: f64| loss_gradient(&(&w + &dw * t), 0.2 + 0.7 * t, &x, &y).1;
    assert_close(loss_hvp(&w, 0.2, &x, &y, &dw, 0.7).1.1, slope(at));
    let x = [-1.2, 1.0, 0.5, 0.8];
    let gradient = rosenbrock_gradient(&x);
    let h = rosenbrock_hessian(&x);
    for i in 0..4 {
        let moved = |t: f64| {
            let mut x = x;
            x[i] += t;
            x
        };
        assert_close(gradient[i], slope(|t| rosenbrock(&moved(t))));
        for j in 0..4 {
            assert_close(h[(j, i)], slope(|t| rosenbrock_gradient(&moved(t))[j]));
        }
    }
    let (x, dx) = (
        vector(&[0.4, -0.9, 0.7, 0.2]),
        vector(&[1.0, 0.5, -0.3, 0.8]),
    );
    let (value, (x_bar, s_bar)) = ranges_value_and_gradient(&x, 0.6);
    assert_eq!(value, ranges(&x, 0.6));
    let at = |t: f64| ranges(&(&x + &dx * t), 0.6 - 0.2 * t);
    assert_close(x_bar.dot(&dx) - 0.2 * s_bar, slope(at));
}

/// Given a value later, with a derivative or without.
#[gradient]
#[hvp]
#[vjp]
fn later(x: f64, y: f64, n: usize) -> f64 {
    let s;
    let t: f64;
    let w;
    let k;
    let half: f64;
    half = 0.5;
    if n > 2 {
        k = n + 1;
    } else {
        k = 1;
    }
    if x > y {
        s = x * y;
    } else if n == 0 {
        s = half;
    } else {
        s = y.sin();
    }
    let mut total;
    match k {
        1 => total = s * x,
        _ => {
            total = 2.0;
            total *= s;
        }
    }
    total += half * s;
    let area;
    area = match n {
        5 => total,
        _ => total * y,
    };
    (t, w) = (area * k as f64, x);
    t * w
}

#[gradient]
#[jvp]
fn patterns(v: Vector3<f64>, list: &[f64; 4], rest: [f64; 2]) -> f64 {
    let (a, (b, ..), _) = (v.norm(), (v.x, v.y, 1.0), v.z);
    let ref c = v * a;
    let &d = &b;
    let [first, .., last] = *list;
    let [p, q] = rest;
    let [e, f, g] = [a * b, d * first, c.y];
    let both @ (m, n) = (e * p, f * q);
    let [x, _, z] = v.as_slice() else {
        panic!("a vector has three entries")
    };
    m * n + both.0 * g + last * x * z
}

#[test]
fn values_that_come_later() {
    for (x, y) in [(0.4, 1.3), (1.4, 0.3)] {
        for n in [0, 2, 3, 5] {
            let at = |t: f64| later(x + 0.3 * t, y - 0.8 * t, n);
            let (value, (x_bar, y_bar)) = later_value_and_gradient(x, y, n);
            assert_eq!(value, at(0.0));
            assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
            assert_close(later_vjp(x, y, n).1(2.0).0, 2.0 * x_bar);
            let at = |t: f64| later_gradient(x + 0.3 * t, y - 0.8 * t, n).0;
            assert_close(later_hvp(x, y, n, 0.3, -0.8).1.0, slope(at));
        }
    }
    let (v, dv) = (Vector3::new(0.3, -0.8, 1.1), Vector3::new(1.0, 0.4, -0.7));
    let (list, rest) = ([0.3, 9.0, 7.0, -0.6], [0.8, 1.7]);
    let at = |t: f64| {
        let list = [0.3 + t, 9.0, 7.0, -0.6 - t];
        patterns(v + dv * t, &list, [0.8, 1.7 + 0.5 * t])
    };
    let (value, (v_bar, list_bar, rest_bar)) = patterns_value_and_gradient(v, &list, rest);
    assert_eq!(value, at(0.0));
    assert_eq!((list_bar[1], list_bar[2]), (0.0, 0.0));
    assert_close(
        v_bar.dot(&dv) + list_bar[0] - list_bar[3] + 0.5 * rest_bar[1],
        slope(at),
    );
}

#[gradient]
fn in_a_block(x: f64) -> f64 {
    let y = {
        let mut inner = x;
        inner = inner * x;
        inner
    };
    let mut z = 1.0;
    if x > 1.0 {
        z *= y;
    }
    z.exp() + y
}

#[test]
fn blocks_of_their_own() {
    for x in [0.5, 1.3] {
        assert_close(in_a_block_gradient(x), slope(|t| in_a_block(x + t)));
    }
}

// ---- what is written to besides ----

#[gradient(wrt(x))]
#[hvp]
fn logged(x: &DVector<f64>, counts: &mut Vec<usize>, signs: &mut Vec<bool>) -> f64 {
    counts.push(x.len());
    let mut total = 0.0;
    for i in 0..x.len() {
        counts.push(i + x.nrows());
        signs.push(x[i] > 0.0);
        total += x[i] * x[i] * x[i];
    }
    if x[0] > 0.0 {
        counts.push(100 + x.len());
    }
    signs.push(counts.len() == x.len());
    total * counts.len() as f64
}

#[test]
fn lengths_and_conditions_are_written_down_once() {
    let x = DVector::from_column_slice(&[0.5, -1.0]);
    let (mut counts, mut signs) = (Vec::new(), Vec::new());
    let value = logged(&x, &mut counts, &mut signs);
    let (mut again, mut same) = (Vec::new(), Vec::new());
    let (found, gradient) = logged_value_and_gradient(&x, &mut again, &mut same);
    assert_eq!((found, &again, &same), (value, &counts, &signs));
    // 4 · 3 x²
    assert_eq!(gradient.as_slice(), [3.0, 12.0]);
    let (mut again, mut same) = (Vec::new(), Vec::new());
    let (_, product) = logged_hvp(&x, &mut again, &mut same, &x);
    assert_eq!((again, same), (counts, signs));
    assert_eq!(product.as_slice(), [6.0, 24.0]);
}
