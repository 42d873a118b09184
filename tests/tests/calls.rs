//! Calls of other functions: their companions are found beside them, and derivatives go through to second order.

#![allow(
    dead_code,
    clippy::needless_range_loop,
    clippy::redundant_closure,
    clippy::type_complexity,
    reason = "some functions are known by their companions only, and rules return much; written as people write"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DMatrix, DVector, Matrix2, Vector2, Vector3};
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, stop_gradient, vjp};

fn matrix() -> DMatrix<f64> {
    DMatrix::from_row_slice(3, 2, &[0.3, -0.4, 1.1, 0.2, -0.7, 0.5])
}

// ---- functions that are called ----

#[differentiable]
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[differentiable(wrt(x))]
fn residual(x: &DVector<f64>, a: &DMatrix<f64>, k: usize) -> DVector<f64> {
    (a * x).map(|z| z.tanh() * k as f64)
}

#[differentiable]
fn polar(x: f64, y: f64) -> (f64, f64) {
    (x.hypot(y), y.atan2(x))
}

#[differentiable]
fn rotated(v: Vector2<f64>, angle: f64) -> Vector2<f64> {
    let (sin, cos) = angle.sin_cos();
    Vector2::new(cos * v.x - sin * v.y, sin * v.x + cos * v.y)
}

// ---- and that call ----

#[gradient(wrt(w, s))]
#[hvp]
#[vjp]
#[jvp]
fn loss(w: &DVector<f64>, s: f64, x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    let r: DVector<f64> = residual(w, a, 3);
    let (radius, angle) = polar(s, 2.0);
    softplus(w.dot(x)) * angle + 0.5 * r.norm_squared() * radius
}

#[test]
fn every_companion_goes_through_calls() {
    let (w, dw, x) = (
        vector(&[0.4, -0.9]),
        vector(&[1.5, 0.3]),
        vector(&[0.7, 0.2]),
    );
    let (s, ds, a) = (0.8, -0.6, matrix());
    let value = loss(&w, s, &x, &a);
    let at = |t: f64| loss(&(&w + &dw * t), s + ds * t, &x, &a);
    let directional = slope(at);
    let (w_bar, s_bar) = loss_gradient(&w, s, &x, &a);
    assert_close(w_bar.dot(&dw) + s_bar * ds, directional);
    assert_eq!(loss_value_and_gradient(&w, s, &x, &a).0, value);
    let (again, tangent) = loss_jvp(&w, s, &x, &a, &dw, ds);
    assert_eq!(again, value);
    assert_close(tangent, directional);
    let (again, pullback) = loss_vjp(&w, s, &x, &a);
    assert_eq!(again, value);
    for y_bar in [1.0, -2.0] {
        let (w_bar, s_bar) = pullback(y_bar);
        assert_close(w_bar.dot(&dw) + s_bar * ds, y_bar * directional);
    }
    let (gradient, product) = loss_hvp(&w, s, &x, &a, &dw, ds);
    assert_close(gradient.0.dot(&dw) + gradient.1 * ds, directional);
    let at = |t: f64| loss_gradient(&(&w + &dw * t), s + ds * t, &x, &a);
    for i in 0..2 {
        assert_close(product.0[i], slope(|t| at(t).0[i]));
    }
    assert_close(product.1, slope(|t| at(t).1));
}

#[gradient]
fn static_vectors(v: Vector2<f64>, angle: f64) -> f64 {
    let once: Vector2<f64> = rotated(v, angle);
    let twice: Vector2<f64> = rotated(once, angle);
    twice.x + twice.y * once.x
}

/// The type of what a call returns shows in what is done with it.
mod partly {
    use super::*;

    #[gradient(wrt(x, s))]
    #[hvp]
    pub fn untyped(x: &DVector<f64>, a: &DMatrix<f64>, s: f64) -> f64 {
        let r = residual(x, a, 2);
        let projected = a.transpose() * residual(x, a, 1);
        r.norm_squared() + projected.dot(x) * softplus(s) + softplus(s) * softplus(s)
    }
}

#[test]
fn types_of_calls_are_read_from_their_use() {
    let (x, a, s) = (vector(&[0.4, -0.9]), matrix(), 0.3);
    let (dx, ds) = (vector(&[1.0, 2.0]), 0.5);
    let at = |t: f64| partly::untyped(&(&x + &dx * t), &a, s + ds * t);
    let (x_bar, s_bar) = partly::untyped_gradient(&x, &a, s);
    assert_close(x_bar.dot(&dx) + s_bar * ds, slope(at));
    let (v, dv) = (Vector2::new(0.3, -0.8), Vector2::new(1.0, 0.4));
    let (v_bar, angle_bar) = static_vectors_gradient(v, 0.7);
    let directional = slope(|t| static_vectors(v + dv * t, 0.7 - 0.2 * t));
    assert_close(v_bar.dot(&dv) - 0.2 * angle_bar, directional);
}

// ---- where companions are found ----

mod other {
    use nalgrad::differentiable;

    #[differentiable]
    pub fn cubed(x: f64) -> f64 {
        x * x * x
    }

    pub mod deeper {
        #[nalgrad::differentiable]
        pub fn halved(x: f64) -> f64 {
            0.5 * x
        }
    }
}

mod caller {
    use super::other::cubed;
    use super::other::deeper;
    use nalgrad::gradient;

    #[gradient]
    pub fn sum(x: f64) -> f64 {
        cubed(x) + deeper::halved(x) + super::other::deeper::halved(x * x)
    }
}

struct Spring {
    stiffness: f64,
}

impl Spring {
    #[differentiable]
    fn force(&self, x: f64) -> f64 {
        -self.stiffness * x
    }

    #[differentiable(module = false)]
    fn square(x: f64) -> f64 {
        x * x
    }

    #[gradient(wrt(x))]
    #[hvp]
    fn energy(&self, x: f64) -> f64 {
        self.force(x) * x * -0.5 + Self::square(x) + Spring::square(2.0 * x)
    }
}

#[test]
fn by_name_by_path_by_type_and_as_methods() {
    assert_close(caller::sum_gradient(2.0), 12.0 + 0.5 + 2.0);
    let spring = Spring { stiffness: 3.0 };
    assert_close(spring.energy_gradient(2.0), 6.0 + 4.0 + 16.0);
    assert_eq!(spring.energy_hvp(2.0, 1.0).1, 3.0 + 2.0 + 8.0);
}

#[gradient]
#[hvp]
fn with_inner_function(x: f64) -> f64 {
    #[differentiable]
    fn inner(t: f64) -> f64 {
        t.sin() * t
    }
    inner(x) + inner(2.0 * x)
}

#[test]
fn functions_inside_functions() {
    let at = |x: f64| with_inner_function(x);
    assert_close(with_inner_function_gradient(0.7), slope(|t| at(0.7 + t)));
    let gradient = |x: f64| with_inner_function_gradient(x);
    assert_close(
        with_inner_function_hvp(0.7, 1.0).1,
        slope(|t| gradient(0.7 + t)),
    );
}

// ---- generic, nested, recursive ----

#[differentiable]
fn weighted<const N: usize>(x: &nalgebra::SVector<f64, N>, w: f64) -> f64 {
    x.norm_squared() * w
}

#[differentiable]
fn nested(x: &Vector3<f64>, w: f64) -> f64 {
    weighted(x, w) + weighted::<3>(&(x * w), 2.0)
}

#[gradient]
#[hvp]
fn outer(x: &Vector3<f64>, w: f64) -> f64 {
    nested(x, w).exp()
}

#[differentiable]
fn power(x: f64, n: usize) -> f64 {
    if n == 0 { 1.0 } else { x * power(x, n - 1) }
}

#[gradient]
#[hvp]
#[vjp]
fn fifth(x: f64) -> f64 {
    power(x, 5)
}

#[test]
fn generic_nested_and_recursive_functions() {
    let (x, dx) = (Vector3::new(0.3, -0.2, 0.5), Vector3::new(1.0, 0.5, -0.7));
    let directional = slope(|t| outer(&(x + dx * t), 0.4 + 0.9 * t));
    let (x_bar, w_bar) = outer_gradient(&x, 0.4);
    assert_close(x_bar.dot(&dx) + 0.9 * w_bar, directional);
    let (_, product) = outer_hvp(&x, 0.4, &dx, 0.9);
    let at = |t: f64| outer_gradient(&(x + dx * t), 0.4 + 0.9 * t);
    for i in 0..3 {
        assert_close(product.0[i], slope(|t| at(t).0[i]));
    }
    assert_close(product.1, slope(|t| at(t).1));
    assert_close(fifth_gradient(1.2), 5.0 * 1.2_f64.powi(4));
    assert_close(fifth_hvp(1.2, 1.0).1, 20.0 * 1.2_f64.powi(3));
    assert_close(fifth_vjp(1.2).1(2.0), 10.0 * 1.2_f64.powi(4));
}

// ---- on one side of a branch ----

#[gradient]
#[hvp]
#[vjp]
fn on_one_side(x: f64, y: f64) -> f64 {
    let r = if x > y { softplus(x * y) } else { x * y };
    r * r + y
}

#[test]
fn a_call_on_the_side_that_is_taken() {
    for (x, y) in [(1.2, 0.5), (0.5, 1.2)] {
        let (x_bar, y_bar) = on_one_side_gradient(x, y);
        let at = |t: f64| on_one_side(x + 0.3 * t, y - 0.8 * t);
        assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
        let pulled = on_one_side_vjp(x, y).1(2.0);
        assert_close(pulled.0, 2.0 * x_bar);
        assert_close(pulled.1, 2.0 * y_bar);
        let product = on_one_side_hvp(x, y, 0.3, -0.8).1;
        let at = |t: f64| on_one_side_gradient(x + 0.3 * t, y - 0.8 * t);
        assert_close(product.0, slope(|t| at(t).0));
        assert_close(product.1, slope(|t| at(t).1));
    }
}

// ---- effects ----

#[differentiable(wrt(x))]
fn counted(x: f64, calls: &std::cell::Cell<usize>) -> f64 {
    calls.set(calls.get() + 1);
    x * x
}

#[gradient(wrt(x))]
#[hvp]
#[jvp]
#[vjp]
fn calls_once(x: f64, calls: &std::cell::Cell<usize>) -> f64 {
    let _unused = counted(x, calls);
    counted(x, calls) * x
}

#[test]
fn a_callee_runs_once_a_call() {
    let calls = std::cell::Cell::new(0);
    assert_close(calls_once_gradient(2.0, &calls), 12.0);
    assert_eq!(calls.replace(0), 2);
    assert_eq!(calls_once_jvp(2.0, &calls, 1.0).1, 12.0);
    assert_eq!(calls.replace(0), 2);
    assert_eq!(calls_once_vjp(2.0, &calls).1(1.0), 12.0);
    assert_eq!(calls.replace(0), 2);
    assert_eq!(calls_once_hvp(2.0, &calls, 1.0).1, 12.0);
    assert_eq!(calls.replace(0), 2);
}

#[differentiable(wrt(x))]
fn counted_norm(x: &DVector<f64>, calls: &std::cell::Cell<usize>) -> f64 {
    calls.set(calls.get() + 1);
    x.norm()
}

#[jacobian(wrt(x))]
fn scaled_by_norm(x: &DVector<f64>, calls: &std::cell::Cell<usize>) -> DVector<f64> {
    x * counted_norm(x, calls)
}

#[jacobian(wrt(x))]
fn squares(x: &Vector3<f64>, calls: &std::cell::Cell<usize>) -> Vector3<f64> {
    Vector3::new(counted(x.x, calls), counted(x.y, calls), x.z)
}

#[test]
fn jacobians_go_back_through_numbers() {
    let (x, calls) = (vector(&[3.0, 4.0]), std::cell::Cell::new(0));
    // ‖x‖ I + x xᵀ / ‖x‖
    let expected = DMatrix::from_row_slice(2, 2, &[6.8, 2.4, 2.4, 8.2]);
    let (value, jacobian) = scaled_by_norm_value_and_jacobian(&x, &calls);
    assert_eq!(value, &x * 5.0);
    assert!((jacobian - &expected).norm() < 1e-14);
    assert_eq!(calls.replace(0), 1);
    assert!((scaled_by_norm_jacobian(&x, &calls) - expected).norm() < 1e-14);
    assert_eq!(calls.replace(0), 1);
    let jacobian = squares_jacobian(&Vector3::new(1.0, 2.0, 3.0), &calls);
    assert_eq!(
        jacobian,
        nalgebra::Matrix3::from_diagonal(&Vector3::new(2.0, 4.0, 1.0))
    );
    assert_eq!(calls.get(), 2);
}

// ---- what stops ----

#[gradient]
#[jvp]
fn stopped(x: &DVector<f64>, s: f64) -> f64 {
    let weights = stop_gradient(x.map(|e| e.abs()));
    weights.dot(x) + nalgrad::stop_gradient(s) * s
}

#[test]
fn nothing_flows_through_stop_gradient() {
    let x = vector(&[0.4, -0.9]);
    let (x_bar, s_bar) = stopped_gradient(&x, 3.0);
    assert_eq!(x_bar, vector(&[0.4, 0.9]));
    assert_eq!(s_bar, 3.0);
    assert_eq!(stopped_jvp(&x, 3.0, &vector(&[1.0, 0.0]), 1.0).1, 3.4);
}

// ---- entry by entry ----

#[differentiable(wrt(x))]
fn leaky(x: f64, slope: &f64) -> f64 {
    if x > 0.0 { x.sinh() } else { slope * x * x }
}

#[gradient(wrt(x))]
#[hvp]
#[jvp]
fn entry_by_entry(x: &DVector<f64>, s: f64, y: &DVector<f64>) -> f64 {
    let sum = x.map(softplus).dot(y) + x.map(|e| leaky(e * s, &0.3)).sum();
    sum + x.zip_map(y, |a, b| softplus(a * b)).norm_squared()
}

#[test]
fn functions_of_entries() {
    let (x, dx, y) = (
        vector(&[0.4, -0.9]),
        vector(&[1.5, 0.3]),
        vector(&[0.7, 0.2]),
    );
    let at = |t: f64| entry_by_entry(&(&x + &dx * t), 0.8, &y);
    assert_close(entry_by_entry_gradient(&x, 0.8, &y).dot(&dx), slope(at));
    let (value, tangent) = entry_by_entry_jvp(&x, 0.8, &y, &dx);
    assert_eq!(value, entry_by_entry(&x, 0.8, &y));
    assert_close(tangent, slope(at));
    let product = entry_by_entry_hvp(&x, 0.8, &y, &dx).1;
    let at = |t: f64| entry_by_entry_gradient(&(&x + &dx * t), 0.8, &y);
    for i in 0..2 {
        assert_close(product[i], slope(|t| at(t)[i]));
    }
}

// ---- rules of the user's own ----

/// Foreign code: nothing here can be seen into.
#[differentiable(wrt(x), vjp = sine_vjp, jvp = sine_jvp)]
fn sine(x: f64, table: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (k, c) in table.iter().enumerate() {
        sum += c * x.powi(k as i32);
    }
    sum
}

fn slope_of(x: f64, table: &[f64]) -> f64 {
    let terms = table.iter().enumerate().skip(1);
    terms
        .map(|(k, c)| c * k as f64 * x.powi(k as i32 - 1))
        .sum()
}

fn sine_vjp(x: f64, table: &[f64]) -> (f64, impl Fn(f64) -> f64) {
    let slope = slope_of(x, table);
    (sine(x, table), move |y_bar| y_bar * slope)
}

fn sine_jvp(x: f64, table: &[f64], dx: f64) -> (f64, f64) {
    (sine(x, table), dx * slope_of(x, table))
}

#[differentiable(wrt(a, b), vjp = solve_vjp)]
fn solve(a: &DMatrix<f64>, b: &DVector<f64>) -> DVector<f64> {
    let mut x = b.clone();
    a.clone().lu().solve_mut(&mut x);
    x
}

fn solve_vjp(
    a: &DMatrix<f64>,
    b: &DVector<f64>,
) -> (
    DVector<f64>,
    impl Fn(DVector<f64>) -> (DMatrix<f64>, DVector<f64>),
) {
    let x = solve(a, b);
    let lu = a.transpose().lu();
    (x.clone(), move |x_bar: DVector<f64>| {
        let b_bar = lu.solve(&x_bar).unwrap();
        (-&b_bar * x.transpose(), b_bar)
    })
}

#[gradient(wrt(x))]
#[jvp]
fn by_rule(x: f64, table: &[f64]) -> f64 {
    sine(x * x, table) + x
}

#[gradient]
fn compliance(a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
    let x: DVector<f64> = solve(a, b);
    x.dot(b)
}

#[test]
fn rules_of_the_users_own() {
    let table = [0.0, 1.0, 0.0, -1.0 / 6.0, 0.0, 1.0 / 120.0];
    let directional = slope(|t| by_rule(0.7 + t, &table));
    assert_close(by_rule_gradient(0.7, &table), directional);
    assert_close(by_rule_jvp(0.7, &table, 2.0).1, 2.0 * directional);
    let (a, b) = (
        DMatrix::from_row_slice(2, 2, &[2.0, 0.3, -0.4, 1.5]),
        vector(&[1.0, -0.7]),
    );
    let (da, db) = (
        DMatrix::from_row_slice(2, 2, &[0.1, 1.0, 0.5, -0.3]),
        vector(&[0.2, 0.9]),
    );
    let (a_bar, b_bar) = compliance_gradient(&a, &b);
    let directional = slope(|t| compliance(&(&a + &da * t), &(&b + &db * t)));
    assert_close(a_bar.dot(&da) + b_bar.dot(&db), directional);
}

// ---- derivatives that are called ----

#[differentiable]
#[gradient]
#[hvp]
#[jvp]
fn energy(x: &DVector<f64>, s: f64) -> f64 {
    x.map(|e| (e * s).sin()).sum() + s * x.norm_squared()
}

#[gradient]
#[hvp]
fn force(x: &DVector<f64>, s: f64) -> f64 {
    let (gradient, slope): (DVector<f64>, f64) = energy_gradient(x, s);
    gradient.norm_squared() + slope * s
}

/// The loss after a step of descent: a meta-gradient.
#[gradient]
fn descended(x: &DVector<f64>, rate: f64) -> f64 {
    let (value, (gradient, _)): (f64, (DVector<f64>, f64)) = energy_value_and_gradient(x, 0.7);
    let step: DVector<f64> = x - gradient * rate;
    energy(&step, 0.7) + value * rate
}

#[gradient]
fn along(x: &DVector<f64>, v: &DVector<f64>) -> f64 {
    let (_, tangent) = energy_jvp(x, 0.7, v, 0.0);
    tangent * tangent
}

#[gradient]
#[differentiable]
#[hvp]
fn cubed_sine(x: f64) -> f64 {
    x.sin().powi(3)
}

#[gradient]
fn second_derivative(x: f64) -> f64 {
    let (_, second) = cubed_sine_hvp(x, 1.0);
    second
}

#[test]
fn derivatives_of_derivatives() {
    let (x, dx, s) = (vector(&[0.4, -0.9]), vector(&[1.5, 0.3]), 0.6);
    let (x_bar, s_bar) = force_gradient(&x, s);
    let at = |t: f64| force(&(&x + &dx * t), s - 0.2 * t);
    assert_close(x_bar.dot(&dx) - 0.2 * s_bar, slope(at));
    let product = force_hvp(&x, s, &dx, -0.2).1;
    let at = |t: f64| force_gradient(&(&x + &dx * t), s - 0.2 * t);
    for i in 0..2 {
        assert_close(product.0[i], slope(|t| at(t).0[i]));
    }
    assert_close(product.1, slope(|t| at(t).1));
    let (x_bar, rate_bar) = descended_gradient(&x, 0.1);
    let at = |t: f64| descended(&(&x + &dx * t), 0.1 + 0.5 * t);
    assert_close(x_bar.dot(&dx) + 0.5 * rate_bar, slope(at));
    let v = vector(&[0.2, 0.8]);
    let (x_bar, v_bar) = along_gradient(&x, &v);
    let at = |t: f64| along(&(&x + &dx * t), &(&v - &dx * t));
    assert_close(x_bar.dot(&dx) - v_bar.dot(&dx), slope(at));
    assert_close(
        second_derivative_gradient(0.7),
        slope(|t| second_derivative(0.7 + t)),
    );
}

// ---- what is passed by reference, and what is not ----

#[differentiable]
fn wave(x: f64) -> f64 {
    x.sin() * x * x
}

#[differentiable]
fn wave_of(x: &f64) -> f64 {
    x.sin() * x * x
}

#[differentiable]
fn length_of(x: &DVector<f64>) -> f64 {
    x.norm()
}

#[gradient]
#[hvp]
fn all_at_once(x: &DVector<f64>, y: DVector<f64>, list: &[f64]) -> f64 {
    let twice = x * 2.0;
    let reference = &twice;
    let same = reference;
    x.map(|e| wave(e) * e).sum()
        + x.zip_map(&y, |a, b| wave(a) * wave(b)).sum()
        + x.iter().map(|e| wave_of(e) * e).sum::<f64>()
        + x.iter().map(|&e| wave(e) * e).sum::<f64>()
        + x.iter().map(|e| wave(*e)).sum::<f64>()
        + x.iter().copied().map(|e| wave(e) * e).sum::<f64>()
        + list.iter().map(|e| wave_of(e) * e).sum::<f64>()
        + list
            .iter()
            .zip(twice.iter())
            .map(|(a, b)| wave_of(a) * wave(*b))
            .sum::<f64>()
        + length_of(same)
        + length_of(reference)
}

#[gradient]
#[hvp]
fn one_by_one(x: &DVector<f64>, y: DVector<f64>, list: &[f64]) -> f64 {
    let mut total = y[0] * wave(y[0]);
    for v in x.iter() {
        total += wave_of(v) * total;
    }
    for &v in x {
        total += wave(v);
    }
    for v in list {
        total += wave_of(v) + wave(*v) * total;
    }
    for (v, w) in list.iter().zip(x.iter()) {
        total += wave_of(v) * wave(*w);
    }
    for v in list.iter().copied() {
        total += wave(v) * total;
    }
    total
}

#[differentiable]
fn moved(x: &DVector<f64>, by: f64) -> DVector<f64> {
    x.map(|e| e.sin()) * (by * x[0])
}

/// Vectors that a loop carries, and of which it keeps what they were.
#[gradient]
#[hvp]
fn simulated(x: &DVector<f64>, y: DVector<f64>, list: &[f64]) -> f64 {
    let mut at = x.clone();
    let mut speed = y.clone();
    for by in list {
        let force: DVector<f64> = moved(&at, *by);
        speed += &force * 0.5;
        at += moved(&speed, at[0]);
    }
    at.norm_squared() + speed.sum()
}

#[test]
fn references_and_values() {
    type Arguments = (DVector<f64>, DVector<f64>, Vec<f64>);
    type Value = fn(&DVector<f64>, DVector<f64>, &[f64]) -> f64;
    type Gradient = fn(&DVector<f64>, DVector<f64>, &[f64]) -> Arguments;
    type Product = fn(
        &DVector<f64>,
        DVector<f64>,
        &[f64],
        &DVector<f64>,
        DVector<f64>,
        &[f64],
    ) -> (Arguments, Arguments);
    let all: [(Value, Gradient, Product); 3] = [
        (all_at_once, all_at_once_gradient, all_at_once_hvp),
        (one_by_one, one_by_one_gradient, one_by_one_hvp),
        (simulated, simulated_gradient, simulated_hvp),
    ];
    let (dx, dy, dl) = (vector(&[0.3, -0.2]), vector(&[0.1, 0.7]), [0.5, -0.4]);
    let at = |t: f64| {
        (
            vector(&[0.6, -0.4]) + &dx * t,
            vector(&[0.9, 0.2]) + &dy * t,
            [0.4 + dl[0] * t, -0.7 + dl[1] * t],
        )
    };
    let along = |(x, y, l): Arguments| x.dot(&dx) + y.dot(&dy) + l[0] * dl[0] + l[1] * dl[1];
    for (f, gradient, hvp) in all {
        let slope_of_value = slope(|t| f(&at(t).0, at(t).1, &at(t).2));
        let gradient = |t: f64| along(gradient(&at(t).0, at(t).1, &at(t).2));
        assert_close(gradient(0.0), slope_of_value);
        let (x, y, l) = at(0.0);
        let product = hvp(&x, y, &l, &dx, dy.clone(), &dl).1;
        assert_close(along(product), slope(gradient));
    }
}

// ---- parts that are passed as matrices, and as views ----

#[differentiable]
fn of_view(x: nalgebra::DVectorView<f64>) -> f64 {
    x.norm_squared() * x[0]
}

#[differentiable]
fn of_vector(x: DVector<f64>) -> f64 {
    x.norm_squared() * x[0]
}

#[differentiable]
fn of_three(x: &Vector3<f64>) -> f64 {
    x.norm_squared() * x[2]
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn by_parts(x: &DVector<f64>, m: &DMatrix<f64>) -> f64 {
    let three: Vector3<f64> = x.fixed_rows::<3>(1).into_owned();
    let first = x.rows(0, 2).clone_owned();
    let mut total = length_of(&x.rows(1, 2).into_owned())
        + of_three(&three)
        + of_vector(x.rows(1, 2).into_owned())
        + length_of(&first)
        + of_view(x.rows(1, 2))
        + of_view(first.as_view());
    for i in 0..m.ncols() {
        let column = m.column(i).into_owned();
        total += length_of(&column) * total;
    }
    for column in m.column_iter() {
        total += of_view(column);
    }
    total
}

#[differentiable]
fn area(p: &Vector2<f64>) -> f64 {
    p.x * p.y
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn by_elements(points: &[Vector2<f64>]) -> f64 {
    let mut total = 0.0;
    for p in points {
        total += area(p);
    }
    for i in 0..points.len() {
        total += area(&points[i]) * total;
    }
    total + points.iter().map(|p| area(p)).sum::<f64>()
}

/// What a call gives on one side.
#[gradient]
#[hvp]
fn moved_on_one_side(x: &DVector<f64>) -> f64 {
    let mut p = x.clone();
    if x[0] > 0.0 {
        p = moved(&p, x[1]);
    }
    let q = &p * 2.0;
    let r: DVector<f64> = if x[1] > 0.0 { moved(&q, x[0]) } else { q };
    p.norm_squared() + r.norm_squared()
}

#[test]
fn parts_and_elements() {
    let (x, dx) = (
        vector(&[0.3, -0.4, 1.1, 0.6]),
        vector(&[0.5, 0.2, -0.7, 0.4]),
    );
    let (m, dm) = (matrix(), matrix().map(|e| 0.3 - e * e));
    let at = |t: f64| (&x + &dx * t, &m + &dm * t);
    let along = |(x, m): (DVector<f64>, DMatrix<f64>)| x.dot(&dx) + m.dot(&dm);
    let expected = slope(|t| by_parts(&at(t).0, &at(t).1));
    assert_close(along(by_parts_gradient(&x, &m)), expected);
    assert_close(by_parts_jvp(&x, &m, &dx, &dm).1, expected);
    assert_close(along(by_parts_vjp(&x, &m).1(1.0)), expected);
    let product = by_parts_hvp(&x, &m, &dx, &dm).1;
    assert_close(
        along(product),
        slope(|t| along(by_parts_gradient(&at(t).0, &at(t).1))),
    );

    let (p, dp) = (
        [Vector2::new(0.3, -0.8), Vector2::new(1.2, 0.4)],
        [Vector2::new(0.1, 0.9), Vector2::new(-0.6, 0.2)],
    );
    let at = |t: f64| [p[0] + dp[0] * t, p[1] + dp[1] * t];
    let along = |g: Vec<Vector2<f64>>| g[0].dot(&dp[0]) + g[1].dot(&dp[1]);
    let expected = slope(|t| by_elements(&at(t)));
    assert_close(along(by_elements_gradient(&p)), expected);
    assert_close(by_elements_jvp(&p, &dp).1, expected);
    assert_close(along(by_elements_vjp(&p).1(1.0)), expected);
    let product = by_elements_hvp(&p, &dp).1;
    assert_close(
        along(product),
        slope(|t| along(by_elements_gradient(&at(t)))),
    );

    for x in [
        vector(&[0.3, 0.4]),
        vector(&[-0.3, 0.4]),
        vector(&[0.3, -0.4]),
    ] {
        let d = vector(&[0.5, -0.2]);
        let at = |t: f64| &x + &d * t;
        let gradient = |t: f64| moved_on_one_side_gradient(&at(t)).dot(&d);
        assert_close(gradient(0.0), slope(|t| moved_on_one_side(&at(t))));
        assert_close(moved_on_one_side_hvp(&x, &d).1.dot(&d), slope(gradient));
    }
}

// ---- Hessians of simulations, of branches, and of what iterators give ----

#[differentiable]
fn step(x: &Vector2<f64>) -> Vector2<f64> {
    Vector2::new((x.x * 1.3).sin() + x.y, x.x * x.y)
}

#[differentiable]
fn product_of(a: f64, b: f64) -> f64 {
    (a * b).exp() - b
}

#[gradient]
#[hessian]
#[hvp]
#[jvp]
fn ran(x: &Vector2<f64>) -> f64 {
    let mut h = Vector2::new(x[0], x[1]);
    for _ in 0..3 {
        h = step(&h);
    }
    h.sum()
}

#[gradient]
#[hessian]
#[hvp]
#[jvp]
fn bent_on_one_side(x: &Vector2<f64>) -> f64 {
    let g = if x[0] > 0.0 { wave(x[0]) } else { x[1] };
    Vector2::new(g, 1.0).norm_squared()
}

#[gradient]
#[hessian]
#[hvp]
#[jvp]
fn pairwise(x: &Vector2<f64>) -> f64 {
    let mut d: DVector<f64> = DVector::zeros(3);
    d[2] = x[0];
    let twice = &d + &d;
    x.iter()
        .zip(x.iter().skip(1))
        .map(|(a, b)| product_of(*a, *b))
        .sum::<f64>()
        + twice.norm_squared() * x[1]
}

#[test]
fn hessians_of_simulations() {
    type Value = fn(&Vector2<f64>) -> f64;
    type Gradient = fn(&Vector2<f64>) -> Vector2<f64>;
    type Hessian = fn(&Vector2<f64>) -> nalgebra::Matrix2<f64>;
    type Tangent = fn(&Vector2<f64>, &Vector2<f64>) -> (f64, f64);
    let all: [(Value, Gradient, Hessian, Tangent); 3] = [
        (ran, ran_gradient, ran_hessian, ran_jvp),
        (
            bent_on_one_side,
            bent_on_one_side_gradient,
            bent_on_one_side_hessian,
            bent_on_one_side_jvp,
        ),
        (pairwise, pairwise_gradient, pairwise_hessian, pairwise_jvp),
    ];
    for x in [Vector2::new(0.3, -0.8), Vector2::new(-0.4, 0.7)] {
        for (f, gradient, hessian, tangent) in all {
            let h = hessian(&x);
            assert_eq!(h, h.transpose());
            for k in 0..2 {
                let along = Vector2::ith(k, 1.0);
                let expected = slope(|t| f(&(x + along * t)));
                assert_close(gradient(&x)[k], expected);
                assert_close(tangent(&x, &along).1, expected);
                for i in 0..2 {
                    assert_close(h[(i, k)], slope(|t| gradient(&(x + along * t))[i]));
                }
            }
        }
    }
}

// ---- `?` of calls that are made again on the way back ----

#[differentiable]
fn logarithm(x: f64) -> Option<f64> {
    if x < 0.0 {
        return None;
    }
    Some(x.ln())
}

#[differentiable]
fn scaled_up(x: &Vector2<f64>) -> Result<Vector2<f64>, String> {
    if x[0] > 9.0 {
        return Err("too large".to_string());
    }
    Ok(x * x[1] + Vector2::repeat(0.5))
}

#[gradient]
#[hvp]
#[vjp]
fn in_loops(x: &Vector2<f64>) -> Option<f64> {
    let mut total = 0.0;
    for i in 0..2 {
        total += logarithm(x[i])? * x[0];
    }
    let side = if x[0] > 0.5 { logarithm(x[1])? } else { 2.0 };
    Some(total * side)
}

#[gradient]
#[hvp]
#[vjp]
fn carried_on(x: &Vector2<f64>) -> Result<f64, String> {
    let mut p = *x;
    for _ in 0..3 {
        p = scaled_up(&p)?;
    }
    Ok(p.norm_squared())
}

#[test]
fn calls_that_may_fail_in_loops() {
    for x in [Vector2::new(0.8, 1.3), Vector2::new(0.3, 1.7)] {
        let along = Vector2::new(0.7, -0.4);
        let at = |t: f64| x + along * t;
        let gradient = |t: f64| in_loops_gradient(&at(t)).unwrap().dot(&along);
        assert_close(gradient(0.0), slope(|t| in_loops(&at(t)).unwrap()));
        let product = in_loops_hvp(&x, &along).unwrap().1;
        assert_close(product.dot(&along), slope(gradient));
        let pulled = in_loops_vjp(&x).unwrap().1(1.0);
        assert_close(pulled.dot(&along), gradient(0.0));

        let gradient = |t: f64| carried_on_gradient(&at(t)).unwrap().dot(&along);
        assert_close(gradient(0.0), slope(|t| carried_on(&at(t)).unwrap()));
        let product = carried_on_hvp(&x, &along).unwrap().1;
        assert_close(product.dot(&along), slope(gradient));
        let pulled = carried_on_vjp(&x).unwrap().1(1.0);
        assert_close(pulled.dot(&along), gradient(0.0));
    }
    let x = Vector2::new(-1.0, 2.0);
    assert!(in_loops_vjp(&x).is_none());
    let x = Vector2::new(10.0, 2.0);
    assert_eq!(carried_on_vjp(&x).err(), carried_on(&x).err());
}

// ---- functions that call each other ----

/// x², then 1 + x, in turn.
#[differentiable(boxed)]
fn squared_first(x: &Vector2<f64>, times: u32) -> f64 {
    match times {
        0 => x.sum(),
        _ => moved_first(&x.component_mul(x), times - 1),
    }
}

#[differentiable(boxed)]
fn moved_first(x: &Vector2<f64>, times: u32) -> f64 {
    if times == 0 {
        return x[0] * x[1];
    }
    squared_first(&x.add_scalar(1.0), times - 1)
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn in_turn(x: &Vector2<f64>, times: u32) -> f64 {
    squared_first(x, times) * 2.0
}

#[test]
fn functions_that_call_each_other() {
    // Three times: ((x² + 1)²), whose entries are multiplied.
    let x = Vector2::new(0.5, -0.25);
    let entry = |x: f64| (x * x + 1.0).powi(2);
    let slope_of = |x: f64| 4.0 * x * (x * x + 1.0);
    let curvature = |x: f64| 12.0 * x * x + 4.0;
    let expected = Vector2::new(
        2.0 * slope_of(x[0]) * entry(x[1]),
        2.0 * entry(x[0]) * slope_of(x[1]),
    );
    let mixed = 2.0 * slope_of(x[0]) * slope_of(x[1]);
    let hessian = Matrix2::new(
        2.0 * curvature(x[0]) * entry(x[1]),
        mixed,
        mixed,
        2.0 * entry(x[0]) * curvature(x[1]),
    );
    assert_close(in_turn(&x, 3), 2.0 * entry(x[0]) * entry(x[1]));
    assert!((in_turn_gradient(&x, 3) - expected).norm() < 1e-13);
    assert!((in_turn_vjp(&x, 3).1(1.0) - expected).norm() < 1e-13);
    assert_close(in_turn_jvp(&x, 3, &Vector2::x()).1, expected[0]);
    assert!((in_turn_hessian(&x, 3) - hessian).norm() < 1e-13);
}
