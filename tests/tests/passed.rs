//! Lists, structs and tuples that are passed to functions with `#[differentiable]`.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]
#![allow(
    clippy::needless_range_loop,
    clippy::needless_borrow,
    clippy::ptr_arg,
    clippy::type_complexity,
    clippy::useless_vec,
    reason = "written as people write"
)]

mod common;
#[macro_use]
#[path = "common/six.rs"]
mod six;

use common::{assert_close, slope};
use nalgebra::{DMatrix, DVector, Vector2, Vector3, Vector6, dvector};
use nalgrad::{Differentiable, differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

// ---- lists ----

#[differentiable]
fn poly(c: &[f64], x: f64) -> f64 {
    let mut s = 0.0;
    for k in (0..c.len()).rev() {
        s = s * x + c[k];
    }
    s
}

#[differentiable(wrt(c))]
fn weighted(c: &Vec<f64>, scale: f64) -> f64 {
    let mut s = 0.0;
    for (k, c) in c.iter().enumerate() {
        s += c * c * c * (k as f64 + scale);
    }
    s
}

#[differentiable(wrt(c))]
fn weighted_slice(c: &[f64], scale: f64) -> f64 {
    c.iter().map(|c| c * c * c * scale).sum::<f64>()
}

#[differentiable]
fn of_three(c: &[f64; 3]) -> f64 {
    c[0] * c[1].sin() + c[2] * c[2] * c[0]
}

#[differentiable]
fn of_three_by_value(c: [f64; 3], y: f64) -> f64 {
    (c[0] - c[1] * c[2]) * y.exp()
}

#[differentiable]
fn of_owned(c: Vec<f64>) -> f64 {
    c[0] * c[1] + c[1].powi(3)
}

#[differentiable]
fn path_length(points: &[Vector2<f64>]) -> f64 {
    let mut sum = 0.0;
    for i in 1..points.len() {
        sum += (points[i] - points[i - 1]).norm_squared().sqrt();
    }
    sum
}

fn lists() -> (Vec<f64>, Vec<f64>) {
    (vec![0.3, -0.7, 1.1, 0.4], vec![1.0, -0.5, 0.25, 0.8])
}

/// Compares all derivatives of a function of one argument, by the vector of its entries, with differences.
macro_rules! check_by {
    ($argument:expr, $direction:expr, |$p:ident| $value:expr;
        $value_and_gradient:expr, $jacobian:expr, $hessian:expr, $hvp:expr, $jvp:expr, $vjp:expr) => {{
        let (p, d) = ($argument, $direction);
        let f = |$p: &_| $value;
        let at = |t: f64| {
            let mut p = p.clone();
            p.axpy(t, &d);
            p
        };
        let (value, gradient) = $value_and_gradient(&p);
        assert_eq!(value.to_bits(), f(&p).to_bits());
        let (start, gradient) = (p.to_vector(), gradient.to_vector());
        let jacobian = $jacobian(&p);
        let hessian = $hessian(&p);
        assert_eq!(hessian, hessian.transpose());
        let along = d.to_vector();
        for i in 0..p.len() {
            let moved = |h: f64| {
                let mut v = start.clone();
                v[i] += h;
                p.with_vector(&v)
            };
            assert_close(gradient[i], slope(|h| f(&moved(h))));
            assert_close(jacobian[(0, i)], gradient[i]);
            for j in 0..p.len() {
                let second = slope(|h| $value_and_gradient(&moved(h)).1.to_vector()[j]);
                assert!(
                    (hessian[(i, j)] - second).abs() < 1e-7 * (1.0 + second.abs()),
                    "{i} {j}: {} {second}",
                    hessian[(i, j)]
                );
            }
        }
        let (same, product) = $hvp(&p, &d);
        assert_close((same.to_vector() - &gradient).norm(), 0.0);
        assert_close((product.to_vector() - &hessian * &along).norm(), 0.0);
        let (same, tangent) = $jvp(&p, &d);
        assert_eq!(value.to_bits(), same.to_bits());
        assert_close(tangent, gradient.dot(&along));
        assert_close(tangent, slope(|t| f(&at(t))));
        let (same, pulled) = $vjp(&p, 2.0);
        assert_eq!(value.to_bits(), same.to_bits());
        assert_close((pulled.to_vector() - gradient * 2.0).norm(), 0.0);
    }};
}

#[gradient(wrt(c))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn fit(c: &[f64], xs: &[f64], ys: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in xs.iter().zip(ys) {
        let r = poly(c, *x) - y;
        sum += r * r * r;
    }
    for i in 0..xs.len() {
        for k in 0..2 {
            let r = poly(c, xs[i]) - ys[i] * k as f64;
            sum += r * r;
        }
    }
    sum
}

#[test]
fn a_slice_in_a_loop() {
    let (c, d) = lists();
    let (xs, ys) = ([0.5, -1.2, 0.8], [1.0, 0.3, -0.4]);
    check_by!(c, d, |c| fit(c, &xs, &ys);
        |c: &Vec<f64>| fit_value_and_gradient(c, &xs, &ys), |c: &Vec<f64>| fit_jacobian(c, &xs, &ys),
        |c: &Vec<f64>| fit_hessian(c, &xs, &ys), |c: &Vec<f64>, d: &Vec<f64>| fit_hvp(c, &xs, &ys, d),
        |c: &Vec<f64>, d: &Vec<f64>| fit_jvp(c, &xs, &ys, d),
        |c: &Vec<f64>, y: f64| { let (v, pb) = fit_vjp(c, &xs, &ys); (v, pb(y)) });
}

/// Several calls, in branches and beside entries of the list, whole and in ranges.
#[gradient]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn several(c: &Vec<f64>) -> f64 {
    let first = poly(c, 0.7) * weighted(c, 2.0);
    let second = if first > 100.0 {
        poly(&c[1..3], c[0])
    } else {
        poly(&c[..2], c[3]) * weighted(&c, 0.5)
    };
    let all = poly(&c[..], second) + poly(c.as_slice(), 0.2);
    first + second * c[2] + all.sin()
}

#[test]
fn several_calls_of_a_list() {
    let (c, d) = lists();
    check_by!(c, d, |c| several(c);
        |c: &Vec<f64>| several_value_and_gradient(c), |c: &Vec<f64>| several_jacobian(c),
        |c: &Vec<f64>| several_hessian(c), |c: &Vec<f64>, d: &Vec<f64>| several_hvp(c, d),
        |c: &Vec<f64>, d: &Vec<f64>| several_jvp(c, d),
        |c: &Vec<f64>, y: f64| { let (v, pb) = several_vjp(c); (v, pb(y)) });
}

#[gradient]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn of_arrays(c: &[f64; 3]) -> f64 {
    of_three(c) * poly(c, 0.3) + of_three_by_value(*c, c[1]) + of_three(&[c[1], c[0], 2.0])
}

#[test]
fn arrays() {
    check_by!([0.3, -0.7, 1.1], [1.0, -0.5, 0.25], |c| of_arrays(c);
        |c: &[f64; 3]| of_arrays_value_and_gradient(c), |c: &[f64; 3]| of_arrays_jacobian(c),
        |c: &[f64; 3]| of_arrays_hessian(c), |c: &[f64; 3], d: &[f64; 3]| of_arrays_hvp(c, d),
        |c: &[f64; 3], d: &[f64; 3]| of_arrays_jvp(c, d),
        |c: &[f64; 3], y: f64| { let (v, pb) = of_arrays_vjp(c); (v, pb(y)) });
}

#[gradient]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn of_points(points: &Vec<Vector2<f64>>, x: f64) -> f64 {
    let mut sum = path_length(points) * x;
    for k in 0..2 {
        sum += (path_length(points) * (k as f64 + x)).sin();
    }
    sum + points[0].x * x
}

#[test]
fn lists_of_vectors() {
    let points = vec![
        Vector2::new(0.3, -0.2),
        Vector2::new(1.0, 0.4),
        Vector2::new(-0.5, 0.9),
    ];
    let d = vec![
        Vector2::new(0.5, 0.1),
        Vector2::new(-0.3, 0.7),
        Vector2::new(0.2, 0.6),
    ];
    type P = (Vec<Vector2<f64>>, f64);
    let value = of_points_value_and_gradient(&points, 0.7).0;
    assert_eq!(value.to_bits(), of_points(&points, 0.7).to_bits());
    let at = |t: f64| -> P {
        let mut p = (points.clone(), 0.7);
        p.axpy(t, &(d.clone(), 0.3));
        p
    };
    let first = slope(|t| of_points(&at(t).0, at(t).1));
    let direction = (d.clone(), 0.3);
    assert_close(of_points_gradient(&points, 0.7).dot(&direction), first);
    assert_close(of_points_jvp(&points, 0.7, &d, 0.3).1, first);
    assert_close(
        of_points_vjp(&points, 0.7).1(2.0).dot(&direction),
        2.0 * first,
    );
    let (by_points, by_x) = of_points_jacobian(&points, 0.7);
    assert_close((by_points * d.to_vector())[0] + by_x * 0.3, first);
    let second = |e: &P| slope(|t| of_points_gradient(&at(t).0, at(t).1).dot(e));
    let (gradient, product) = of_points_hvp(&points, 0.7, &d, 0.3);
    assert_close(gradient.dot(&direction), first);
    assert_close(product.dot(&direction), second(&direction));
    let ((pp, px), (xp, xx)) = of_points_hessian(&points, 0.7);
    let dv = d.to_vector();
    let all = (dv.transpose() * pp * &dv)[0]
        + (dv.transpose() * px)[0] * 0.3
        + (xp * &dv)[0] * 0.3
        + xx * 0.09;
    assert_close(all, second(&direction));
}

// Lists that the function makes.

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn made(x: &Vector6<f64>) -> f64 {
    let c = vec![x[0], x[1] * x[2], 2.0, x[3]];
    let d = [x[4], x[5] * x[0], x[1]];
    poly(&c, x[4])
        + of_three(&d) * weighted_slice(&c, 1.0)
        + of_three_by_value(d, x[5])
        + poly(&d, 0.3)
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn changed(x: &Vector6<f64>) -> f64 {
    let n = x.len();
    let mut c = vec![0.0; n];
    for i in 0..n {
        c[i] = x[i] * x[(i + 1) % n];
    }
    let before = poly(&c, x[0]);
    c[2] = before;
    let mut grown = Vec::new();
    for i in 0..3 {
        grown.push(x[i].sin());
    }
    poly(&c, 0.4) * poly(&grown, x[5])
        + weighted(&c, 0.3)
        + poly(&c[1..4], 0.6)
        + poly(x.as_slice(), 0.1)
        + of_owned(vec![x[0], x[3]])
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn carried(x: &Vector6<f64>) -> f64 {
    let mut state = [x[0], x[1], x[2]];
    let mut sum = 0.0;
    for i in 0..4 {
        let y = of_three(&state);
        if y > 0.1 {
            state[i % 3] = y * x[3];
        } else {
            state[1] += poly(&state, x[4]) * 0.1;
        }
        sum += y * y * x[5];
    }
    sum + of_three_by_value(state, 0.1)
}

fn points() -> [Vector6<f64>; 2] {
    [
        Vector6::new(0.4, -0.3, 0.8, 1.2, -0.6, 0.5),
        Vector6::new(-0.9, 1.1, 0.2, 0.3, 0.7, -0.4),
    ]
}

check! {
    at points();
    lists_that_are_made: made made_value_and_gradient made_hessian made_jvp made_vjp;
    lists_that_change: changed changed_value_and_gradient changed_hessian changed_jvp changed_vjp;
    lists_that_are_carried: carried carried_value_and_gradient carried_hessian carried_jvp carried_vjp;
}

// ---- structs ----

#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Params {
    w: Vector3<f64>,
    b: f64,
    #[inert]
    n: usize,
    inner: Inner,
    tail: DVector<f64>,
    coefficients: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Inner {
    m: DMatrix<f64>,
    scale: f64,
}

fn params() -> Params {
    Params {
        w: Vector3::new(0.3, -0.8, 0.5),
        b: 0.4,
        n: 2,
        inner: Inner {
            m: DMatrix::from_row_slice(2, 2, &[0.3, -0.4, 1.1, 0.2]),
            scale: 0.7,
        },
        tail: dvector![0.6, -0.2],
        coefficients: vec![0.5, -0.3],
    }
}

fn along(p: &Params) -> Params {
    p.with_vector(&DVector::from_fn(p.len(), |i, _| {
        (1.3 * i as f64 + 0.4).sin()
    }))
}

#[differentiable(wrt(p))]
fn residual(p: &Params, x: &Vector3<f64>, y: f64) -> f64 {
    let w: &Vector3<f64> = &p.w;
    (w.dot(x) + p.b).sin() - y * p.b
}

#[differentiable(wrt(inner, v))]
fn quadratic(inner: &Inner, v: &DVector<f64>) -> f64 {
    let m: &DMatrix<f64> = &inner.m;
    v.dot(&(m * v)) * inner.scale
}

/// Passes on what it is given.
#[differentiable(wrt(p, x))]
fn nested(p: &Params, x: f64) -> f64 {
    const AT: Vector3<f64> = Vector3::new(0.1, 0.2, 0.3);
    let tail: &DVector<f64> = &p.tail;
    quadratic(&p.inner, tail) * x + residual(p, &AT, 0.5) * p.b
}

#[differentiable(wrt(p, k))]
fn by_value(p: Params, k: f64) -> f64 {
    p.b * p.b * k
}

#[differentiable(wrt(p, x))]
fn of_lists(p: &Params, x: f64) -> f64 {
    let c: &Vec<f64> = &p.coefficients;
    poly(c, x) * p.b
}

macro_rules! all_of_struct {
    ($($test:ident: $name:ident($($more:expr),*) $vg:ident $jacobian:ident $hessian:ident $hvp:ident $jvp:ident $vjp:ident;)*) => {$(
        #[test]
        fn $test() {
            let p = params();
            let d = along(&p);
            check_by!(p, d, |p| $name(p, $($more),*);
                |p: &Params| $vg(p, $($more),*), |p: &Params| $jacobian(p, $($more),*),
                |p: &Params| $hessian(p, $($more),*), |p: &Params, d: &Params| $hvp(p, $($more,)* d),
                |p: &Params, d: &Params| $jvp(p, $($more,)* d),
                |p: &Params, y: f64| { let (v, pb) = $vjp(p, $($more),*); (v, pb(y)) });
        }
    )*};
}

/// In a loop, and nothing else.
#[gradient(wrt(p))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn cost(p: &Params, xs: &[Vector3<f64>], ys: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in xs.iter().zip(ys) {
        let r = residual(p, x, *y);
        sum += r * r;
    }
    sum
}

/// Once, and nothing else.
#[gradient(wrt(p))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn once(p: &Params, x: f64) -> f64 {
    nested(p, x)
}

/// Several calls, beside fields that are read here.
#[gradient(wrt(p))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn mixed(p: &Params, x: &Vector3<f64>) -> f64 {
    let inner = &p.inner;
    let v: &DVector<f64> = &p.tail;
    let a = residual(p, x, 0.5) * p.b;
    let b = if a > 100.0 {
        nested(p, a)
    } else {
        quadratic(inner, v) * p.inner.scale + quadratic(&p.inner, &(v * a))
    };
    a * b + by_value(p.clone(), b) + nested(p, b) + of_lists(p, a)
}

/// In nested loops that carry a state, on one side.
#[gradient(wrt(p))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn loops(p: &Params, xs: &[Vector3<f64>]) -> f64 {
    let mut state = p.b;
    for (k, x) in xs.iter().enumerate() {
        for i in 0..2 {
            if i == k {
                state += residual(p, x, 0.1 * i as f64) * 0.5;
            } else {
                state = nested(p, state) * 0.3 + state;
            }
        }
    }
    state
}

const XS: [Vector3<f64>; 2] = [Vector3::new(0.4, -0.1, 0.7), Vector3::new(-0.3, 0.9, 0.2)];

all_of_struct! {
    a_struct_in_a_loop: cost(&XS, &[0.3, -0.6]) cost_value_and_gradient cost_jacobian cost_hessian cost_hvp cost_jvp cost_vjp;
    a_struct_once: once(0.6) once_value_and_gradient once_jacobian once_hessian once_hvp once_jvp once_vjp;
    a_struct_and_its_fields: mixed(&XS[0]) mixed_value_and_gradient mixed_jacobian mixed_hessian mixed_hvp mixed_jvp mixed_vjp;
    a_struct_in_nested_loops: loops(&XS) loops_value_and_gradient loops_jacobian loops_hessian loops_hvp loops_jvp loops_vjp;
}

// Methods.

impl Inner {
    #[differentiable(wrt(self, v))]
    fn form(&self, v: &DVector<f64>) -> f64 {
        let m: &DMatrix<f64> = &self.m;
        v.dot(&(m * v)) * self.scale
    }

    #[differentiable(wrt(self))]
    fn size(&self) -> f64 {
        let m: &DMatrix<f64> = &self.m;
        m.norm_squared() * self.scale
    }
}

impl Params {
    #[differentiable(wrt(self))]
    fn residual(&self, x: &Vector3<f64>) -> f64 {
        let w: &Vector3<f64> = &self.w;
        w.dot(x) * self.b
    }

    #[gradient(wrt(self))]
    #[jacobian]
    #[hessian]
    #[hvp]
    #[jvp]
    #[vjp]
    fn total(&self, xs: &[Vector3<f64>]) -> f64 {
        let tail: &DVector<f64> = &self.tail;
        let mut sum = self.inner.form(tail);
        for x in xs {
            sum += self.residual(x).powi(2) * self.inner.size();
        }
        sum + Params::residual(self, &xs[0]) * self.residual(&xs[1]).sin()
    }
}

#[test]
fn methods_of_structs() {
    let p = params();
    let d = along(&p);
    check_by!(p, d, |p| Params::total(p, &XS);
        |p: &Params| p.total_value_and_gradient(&XS), |p: &Params| p.total_jacobian(&XS),
        |p: &Params| p.total_hessian(&XS), |p: &Params, d: &Params| p.total_hvp(&XS, d),
        |p: &Params, d: &Params| p.total_jvp(&XS, d),
        |p: &Params, y: f64| { let (v, pb) = p.total_vjp(&XS); (v, pb(y)) });
}

// ---- tuples ----

#[differentiable]
fn of_pair(pair: (f64, f64), k: f64) -> f64 {
    pair.0 * pair.1.sin() * k
}

#[differentiable]
fn of_borrowed(pair: &(Vector3<f64>, f64)) -> f64 {
    pair.0.norm_squared() * pair.1 + pair.0.x
}

#[differentiable(wrt(nested))]
fn of_nested(nested: &(f64, (Vector2<f64>, [f64; 2])), k: usize) -> f64 {
    let (a, (v, list)) = nested;
    a * v.dot(v) * k as f64 + list[0] * list[1] * a
}

#[differentiable]
fn of_parts(parts: (Vector3<f64>, f64)) -> f64 {
    parts.0.norm_squared().sin() * parts.1
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn tuples_made(x: &Vector6<f64>) -> f64 {
    let pair = (x[0], x[1] * x[2]);
    let v = Vector3::new(x[3], x[4], x[5]);
    let both = (v, x[0]);
    let mut sum = of_pair(pair, x[5]) + of_pair((2.0, x[3]), 1.5) + of_borrowed(&both);
    for i in 0..3 {
        sum += of_borrowed(&(v * x[i], sum)) * 0.1 + of_pair((sum, x[i]), x[1]);
    }
    sum + of_nested(&(x[1], (Vector2::new(x[2], x[3]), [x[4], x[0]])), 3) + of_parts((v, x[2]))
}

check! {
    at points();
    tuples_that_are_made: tuples_made tuples_made_value_and_gradient tuples_made_hessian tuples_made_jvp tuples_made_vjp;
}

/// A tuple of the same name is another one.
#[gradient]
fn tuple_turned_around(p: (f64, f64)) -> f64 {
    let before = of_pair(p, 1.0);
    let p = (p.1, p.0);
    before * 2.0 + of_pair(p, 0.5)
}

#[test]
fn a_tuple_that_is_shadowed() {
    let (value, gradient) = tuple_turned_around_value_and_gradient((0.3, 0.8));
    assert_eq!(value.to_bits(), tuple_turned_around((0.3, 0.8)).to_bits());
    assert_close(gradient.0, slope(|h| tuple_turned_around((0.3 + h, 0.8))));
    assert_close(gradient.1, slope(|h| tuple_turned_around((0.3, 0.8 + h))));
}

type Given = (Vector3<f64>, f64);

#[gradient]
#[hessian]
#[jvp]
#[vjp]
#[hvp]
#[jacobian]
fn tuples_passed_on(p: &(Vector3<f64>, f64)) -> f64 {
    let mut sum = of_borrowed(p) * p.1;
    for _ in 0..2 {
        sum += of_borrowed(p).sin() * sum;
    }
    sum + of_parts((p.0, p.1)) + of_parts(*p) + of_pair((p.1, p.0.y), sum)
}

#[test]
fn tuples_that_are_passed_on() {
    let p: Given = (Vector3::new(0.3, -0.2, 0.8), 0.6);
    let d: Given = (Vector3::new(0.5, 0.1, -0.4), 0.9);
    check_by!(p, d, |p| tuples_passed_on(p);
        |p: &Given| tuples_passed_on_value_and_gradient(p), |p: &Given| tuples_passed_on_jacobian(p),
        |p: &Given| tuples_passed_on_hessian(p), |p: &Given, d: &Given| tuples_passed_on_hvp(p, d),
        |p: &Given, d: &Given| tuples_passed_on_jvp(p, d),
        |p: &Given, y: f64| { let (v, pb) = tuples_passed_on_vjp(p); (v, pb(y)) });
}

// ---- rules ----

#[differentiable(vjp = cubes_vjp, jvp = cubes_jvp)]
fn cubes(c: &[f64], p: (f64, f64)) -> f64 {
    c.iter().map(|c| c * c * c).sum::<f64>() * p.0 + p.1 * p.1
}

fn cubes_vjp<'a>(
    c: &'a [f64],
    p: (f64, f64),
) -> (f64, impl Fn(f64) -> (Vec<f64>, (f64, f64)) + 'a) {
    let of = move |c: &[f64]| c.iter().map(|c| c * c * c).sum::<f64>();
    (cubes(c, p), move |y: f64| {
        let by_c = c.iter().map(|c| 3.0 * c * c * p.0 * y).collect();
        (by_c, (of(c) * y, 2.0 * p.1 * y))
    })
}

fn cubes_jvp(c: &[f64], p: (f64, f64), dc: &[f64], dp: (f64, f64)) -> (f64, f64) {
    let (value, pullback) = cubes_vjp(c, p);
    let (by_c, by_p) = pullback(1.0);
    let along: f64 = by_c.iter().zip(dc).map(|(a, b)| a * b).sum();
    (value, along + by_p.0 * dp.0 + by_p.1 * dp.1)
}

#[differentiable(wrt(p), vjp = size_vjp, jvp = size_jvp)]
fn size(p: &Params) -> f64 {
    p.b * p.inner.scale
}

fn size_vjp(p: &Params) -> (f64, impl Fn(f64) -> Params + '_) {
    (size(p), move |y| {
        let mut g = p.zeros_like();
        g.b = p.inner.scale * y;
        g.inner.scale = p.b * y;
        g
    })
}

fn size_jvp(p: &Params, dp: &Params) -> (f64, f64) {
    (size(p), p.inner.scale * dp.b + p.b * dp.inner.scale)
}

#[gradient(wrt(p, x))]
#[jvp]
#[vjp]
fn by_rules(p: &Params, x: &Vector3<f64>) -> f64 {
    let c = vec![x[0], x[1] * p.b];
    let mut sum = size(p) * x[2];
    for _ in 0..2 {
        sum += cubes(&c, (x[0], size(p))) * size(p);
    }
    sum
}

#[test]
fn rules_of_lists_tuples_and_structs() {
    let (p, x) = (params(), XS[0]);
    let (d, dx) = (along(&p), XS[1]);
    let first = slope(|t| {
        let mut p = p.clone();
        p.axpy(t, &d);
        by_rules(&p, &(x + dx * t))
    });
    let (gp, gx) = by_rules_gradient(&p, &x);
    assert_close(gp.dot(&d) + gx.dot(&dx), first);
    assert_close(by_rules_jvp(&p, &x, &d, &dx).1, first);
    let (value, pullback) = by_rules_vjp(&p, &x);
    assert_eq!(value.to_bits(), by_rules(&p, &x).to_bits());
    let (gp, gx) = pullback(2.0);
    assert_close(gp.dot(&d) + gx.dot(&dx), 2.0 * first);
}

// ---- lists that are returned ----

#[differentiable]
fn three(x: f64, y: f64) -> [f64; 3] {
    [x * y, x.sin(), y * y * x]
}

#[differentiable]
fn four(v: &Vector2<f64>) -> Vec<f64> {
    vec![v.x * v.y, v.x.exp(), v.y.sin(), 2.0]
}

#[differentiable]
fn on(x: f64, y: f64) -> [f64; 3] {
    three(x * y, y)
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn returned(x: &Vector6<f64>) -> f64 {
    let [a, _, c] = three(x[0], x[1] * x[2]);
    let list: Vec<f64> = four(&Vector2::new(x[3], a));
    let array: [f64; 3] = on(x[4], c);
    let mut sum = a * c;
    for k in 0..4 {
        let next: [f64; 3] = three(sum, x[5]);
        sum = next[k % 3] * 0.1 + list[k] * x[k];
        if sum > 0.1 {
            let [first, second, _] = three(sum, array[1]);
            sum += first * second;
        }
    }
    sum + poly(&list, x[5]) + of_three(&array) + array[0]
}

check! {
    at points();
    lists_that_are_returned: returned returned_value_and_gradient returned_hessian returned_jvp returned_vjp;
}

// ---- more ways ----

#[differentiable]
fn recursive(c: &[f64], n: usize) -> f64 {
    if n == 0 {
        c[0]
    } else {
        recursive(c, n - 1) * c[n].sin() + c[n]
    }
}

#[differentiable]
fn generic<T: nalgebra::RealField + Copy, const N: usize>(c: &[T; N], x: T) -> T {
    let mut s = x;
    for k in 0..N {
        s = s * c[k] + x;
    }
    s
}

#[differentiable]
fn checked(c: &[f64]) -> Option<f64> {
    if c[0] < -10.0 {
        return None;
    }
    Some(c[0] * c[1])
}

#[differentiable(wrt(p, q))]
fn between(p: &Inner, q: &Inner) -> f64 {
    let a: &DMatrix<f64> = &p.m;
    let b: &DMatrix<f64> = &q.m;
    a.dot(b) * p.scale + q.scale
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn in_many_ways(x: &Vector6<f64>) -> f64 {
    let c = [x[0], x[1], x[2]];
    let mut list = vec![0.0; 3];
    let mut sum = recursive(&c, 2) + generic(&c, x[3]);
    for i in 0..3 {
        list[i] = x[i + 3] * sum;
        let more = checked(&list).unwrap();
        sum += recursive(&list, i) * 0.1 + more * 0.2;
    }
    let alias = &list;
    sum + recursive(alias, 1) + recursive(&alias[1..], 1)
}

check! {
    at points();
    many_ways: in_many_ways in_many_ways_value_and_gradient in_many_ways_hessian in_many_ways_jvp in_many_ways_vjp;
}

/// The same struct twice, under other names, one field by value, and fields bound before a loop.
#[gradient(wrt(p))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn twice(p: &Params, other: &Params) -> f64 {
    let q = &p.inner;
    let m: &DMatrix<f64> = &p.inner.m;
    let mut sum = between(q, &p.inner) + between(&other.inner, q) + m.sum();
    let b: f64 = p.b;
    for i in 0..3 {
        let k = i as f64;
        sum += between(q, &other.inner) * b * k + residual(p, &XS[1], k) + poly(&[b, k], sum);
    }
    for x in &XS {
        let names = [&other.n, &2];
        let y = x.x * (names.len() as f64);
        sum += residual(p, x, y) * sum * 0.1;
    }
    let p = q;
    sum + between(p, &other.inner) + of_pair((b, 2.0), 1.0)
}

/// A parameter by value, with checkpoints.
#[gradient(wrt(p), checkpoint = 2)]
#[jacobian]
#[hessian]
#[hvp]
#[jvp(wrt(p))]
#[vjp(wrt(p))]
fn owned(p: Params, n: usize) -> f64 {
    let mut state = p.b;
    for i in 0..n {
        state = state * 0.5 + nested(&p, state) * (i as f64 + 1.0);
    }
    state + by_value(p, state)
}

#[test]
fn the_same_struct_twice() {
    let (p, other) = (params(), along(&params()));
    let d = along(&p);
    check_by!(p, d, |p| twice(p, &other);
        |p: &Params| twice_value_and_gradient(p, &other), |p: &Params| twice_jacobian(p, &other),
        |p: &Params| twice_hessian(p, &other), |p: &Params, d: &Params| twice_hvp(p, &other, d),
        |p: &Params, d: &Params| twice_jvp(p, &other, d),
        |p: &Params, y: f64| { let (v, pb) = twice_vjp(p, &other); (v, pb(y)) });
}

#[test]
fn a_struct_by_value() {
    let p = params();
    let d = along(&p);
    check_by!(p, d, |p| owned(Params::clone(p), 5);
        |p: &Params| owned_value_and_gradient(p.clone(), 5), |p: &Params| owned_jacobian(p.clone(), 5),
        |p: &Params| owned_hessian(p.clone(), 5), |p: &Params, d: &Params| owned_hvp(p.clone(), 5, d.clone()),
        |p: &Params, d: &Params| owned_jvp(p.clone(), 5, d.clone()),
        |p: &Params, y: f64| { let (v, pb) = owned_vjp(p.clone(), 5); (v, pb(y)) });
}

/// A function of a struct with a list of vectors, which a pullback of a Hessian takes.
#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Track {
    points: Vec<Vector2<f64>>,
    width: f64,
}

#[differentiable(wrt(track))]
fn length_of_track(track: &Track, block: f64) -> f64 {
    let points: &Vec<Vector2<f64>> = &track.points;
    path_length(points) * track.width * block + points[0].norm_squared()
}

#[gradient(wrt(track))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn twice_the_track(track: &Track, block: f64) -> f64 {
    length_of_track(track, block) * track.width * block + length_of_track(track, 2.0).sin()
}

#[test]
fn a_struct_with_a_list_of_vectors() {
    let p = Track {
        points: vec![
            Vector2::new(0.3, -0.2),
            Vector2::new(1.0, 0.4),
            Vector2::new(-0.5, 0.9),
        ],
        width: 0.7,
    };
    let d = p.with_vector(&DVector::from_fn(7, |i, _| (i as f64 + 0.3).cos()));
    check_by!(p, d, |p| twice_the_track(p, 1.3);
        |p: &Track| twice_the_track_value_and_gradient(p, 1.3), |p: &Track| twice_the_track_jacobian(p, 1.3),
        |p: &Track| twice_the_track_hessian(p, 1.3), |p: &Track, d: &Track| twice_the_track_hvp(p, 1.3, d),
        |p: &Track, d: &Track| twice_the_track_jvp(p, 1.3, d),
        |p: &Track, y: f64| { let (v, pb) = twice_the_track_vjp(p, 1.3); (v, pb(y)) });
}

#[derive(Clone, Differentiable)]
struct Line {
    part: Part,
}

#[derive(Clone, Differentiable)]
struct Part {
    slope: f64,
}

#[differentiable(wrt(part))]
fn squared(part: &Part) -> f64 {
    part.slope * part.slope
}

/// A part of a struct that is bound in a loop.
#[gradient(wrt(line))]
#[hessian]
#[jvp]
fn bound_in_a_loop(line: &Line, n: usize) -> f64 {
    let mut sum = 0.5;
    for _ in 0..n {
        let part = &line.part;
        sum *= squared(part);
    }
    sum
}

#[test]
fn parts_that_loops_bind() {
    let line = Line {
        part: Part { slope: 1.5 },
    };
    // 0.5 s⁴, 2 s³, 6 s²
    assert_close(bound_in_a_loop_gradient(&line, 2).part.slope, 6.75);
    assert_close(bound_in_a_loop_hessian(&line, 2)[(0, 0)], 13.5);
    assert_close(bound_in_a_loop_jvp(&line, 2, &line).1, 6.75 * 1.5);
    assert_close(bound_in_a_loop_gradient(&line, 0).part.slope, 0.0);
}

#[differentiable]
fn pull(k: f64, x: &Vector2<f64>, v: &Vector2<f64>) -> Vector2<f64> {
    x * -k * x[0] - v * k
}

/// Tangents that a loop carries into calls, and keeps.
#[gradient]
#[hvp]
fn swung(k: f64, x0: &Vector2<f64>) -> f64 {
    let mut x = *x0;
    let mut v = Vector2::zeros();
    for _ in 0..4 {
        let a: Vector2<f64> = pull(k, &x, &v);
        v += a * 0.1;
        x += v * 0.1;
    }
    x.norm()
}

/// The same, of the elements of a list that grows.
#[gradient]
#[hvp]
fn listed_path(k: f64, x0: &Vector2<f64>) -> f64 {
    let mut path = vec![*x0];
    let mut v = Vector2::zeros();
    for _ in 0..4 {
        let x: Vector2<f64> = *path.last().unwrap();
        let a: Vector2<f64> = pull(k, &x, &v);
        v += a * 0.1;
        path.push(x + v * 0.1);
    }
    path[4].norm()
}

#[derive(Clone, Differentiable)]
struct Spring {
    k: f64,
    rest: Vector2<f64>,
    damping: Vec<f64>,
    #[inert]
    steps: usize,
}

#[differentiable(wrt(s, x, v))]
fn pulled_by(s: &Spring, x: &Vector2<f64>, v: &Vector2<f64>) -> Vector2<f64> {
    let damping: &[f64] = &s.damping;
    (s.rest - x) * s.k - v * damping[0]
}

/// By a struct that counts the steps as well.
#[gradient(wrt(s, x0))]
#[hvp]
fn length(s: &Spring, x0: &Vector2<f64>) -> f64 {
    let mut path = vec![*x0];
    let mut v = Vector2::zeros();
    for _ in 0..s.steps {
        let x: Vector2<f64> = *path.last().unwrap();
        let a: Vector2<f64> = pulled_by(s, &x, &v);
        v += a * 0.1;
        path.push(x + v * 0.1);
    }
    let mut total = 0.0;
    for i in 1..s.steps + 1 {
        total += (path[i] - path[i - 1]).norm();
    }
    total
}

#[test]
fn trajectories() {
    let (x, dx) = (Vector2::new(0.1, -0.3), Vector2::new(0.7, 0.2));
    let at = |t: f64| (0.8 + t, x + dx * t);
    let total = |(a, b): (f64, Vector2<f64>)| a + b.dot(&dx);
    let gradient = |t: f64| total(swung_gradient(at(t).0, &at(t).1));
    assert_close(gradient(0.0), slope(|t| swung(at(t).0, &at(t).1)));
    assert_close(total(swung_hvp(0.8, &x, 1.0, &dx).1), slope(gradient));
    let gradient = |t: f64| total(listed_path_gradient(at(t).0, &at(t).1));
    assert_close(gradient(0.0), slope(|t| listed_path(at(t).0, &at(t).1)));
    assert_close(total(listed_path_hvp(0.8, &x, 1.0, &dx).1), slope(gradient));

    let spring = |t: f64| Spring {
        k: 1.5 + 0.3 * t,
        rest: Vector2::new(0.4 - t, 1.0),
        damping: vec![0.2 + 0.1 * t, 7.0],
        steps: 4,
    };
    let along = Spring {
        k: 0.3,
        rest: Vector2::new(-1.0, 0.0),
        damping: vec![0.1, 0.0],
        steps: 4,
    };
    let total = |(a, b): (Spring, Vector2<f64>)| a.dot(&along) + b.dot(&dx);
    let gradient = |t: f64| total(length_gradient(&spring(t), &(x + dx * t)));
    assert_close(gradient(0.0), slope(|t| length(&spring(t), &(x + dx * t))));
    let product = length_hvp(&spring(0.0), &x, &along, &dx).1;
    assert_close(total(product), slope(gradient));
}
