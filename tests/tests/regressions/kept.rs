//! What loops keep, and how values are handed to calls: found by random programs, each shrunk to what it takes.

#![allow(
    dead_code,
    clippy::ptr_arg,
    clippy::needless_range_loop,
    clippy::clone_on_copy,
    clippy::if_same_then_else,
    reason = "some functions are known by their companions only; written as random programs are"
)]

use nalgebra::{DMatrix, DVector, Vector2, Vector3, dmatrix, dvector, matrix};
use nalgrad::{check, differentiable, gradient, hessian, hvp, jvp, vjp};

/// The inverse is kept in iterations that come as far as it: where the loop is left before, it has no entries.
#[hvp]
#[gradient]
fn left_before_an_inverse(v: DVector<f64>) -> f64 {
    let mut p = DMatrix::from_element(3, 3, 0.5_f64);
    for n in 0..v.len() {
        p = DMatrix::from_fn(3, 3, |_, k| v[k]);
        if n < 2 {
            break;
        }
        p -= DMatrix::from_element(3, 3, 0.5_f64).try_inverse().unwrap() / v[n];
    }
    let m = DMatrix::from_row_slice(3, 3, &[0.5, p[(1, 0)], 0.5, 0.7, 0.5, 0.5, 0.5, 0.5, 0.5]);
    m.column(1).norm_squared()
}

#[test]
fn what_is_kept_is_read_where_it_is() {
    let (v, d) = (dvector![1.449, 0.463, -1.154], dvector![0.5, -1.0, 2.0]);
    // v₀² + 1/2
    let expected = (dvector![2.898, 0.0, 0.0], dvector![1.0, 0.0, 0.0]);
    assert_eq!(left_before_an_inverse_gradient(v.clone()), expected.0);
    assert_eq!(left_before_an_inverse_hvp(v, d), expected);
}

/// The tangent of what is kept on one side of a branch is there on that side only.
#[hvp]
fn tangent_of_one_side(w: &DVector<f64>) -> f64 {
    let mut v = DVector::from_element(2, 0.5_f64);
    let mut k = 0;
    while k < 2 {
        let mut s = w[2];
        let n = 0;
        match k {
            0 => {
                if n == 0 {
                    v[k] = 0.5;
                } else {
                    s += w.amin();
                }
                v /= s;
            }
            1 => {}
            _ => {}
        }
        k += 1;
    }
    v[0]
}

#[test]
fn tangents_of_what_is_kept_on_a_side() {
    let (w, d) = (dvector![-0.324, 0.345, -0.861], dvector![1.0, -2.0, 3.0]);
    // 1/(2 w₂)
    let (gradient, product) = tangent_of_one_side_hvp(&w, &d);
    let x: f64 = w[2];
    assert!((gradient - dvector![0.0, 0.0, -0.5 / (x * x)]).norm() < 1e-13);
    assert!((product - dvector![0.0, 0.0, 3.0 / (x * x * x)]).norm() < 1e-12);
}

#[differentiable]
fn by_value(t: f64, v: Vector3<f64>, w: DVector<f64>) -> f64 {
    t * v.norm_squared() + w.dot(&w)
}

/// A copy of what is behind a reference is passed on by value.
#[gradient]
#[hvp]
fn copies_passed_on(v: &Vector3<f64>, t: &f64, w: &DVector<f64>) -> f64 {
    let s = *t;
    let a: Vector3<f64> = v.clone();
    let (q, b): (f64, DVector<f64>) = if s > 0.0 {
        (s, w.clone())
    } else {
        (s, w.clone())
    };
    let c = a;
    let mut sum = by_value(q, c, b);
    for _ in 0..2 {
        sum += by_value(s, a, w.clone());
    }
    sum
}

#[test]
fn copies_are_passed_by_value() {
    let (v, t, w) = (Vector3::new(0.5, -1.0, 2.0), 0.7, dvector![1.5, -0.5]);
    // 3 (t v·v + w·w)
    let (dv, dt, dw) = copies_passed_on_gradient(&v, &t, &w);
    assert!((dv - 6.0 * t * v).norm() < 1e-13);
    assert!((dt - 3.0 * v.norm_squared()).abs() < 1e-13);
    assert!((dw - 6.0 * &w).norm() < 1e-13);
    let (x, y) = (Vector3::new(1.0, 2.0, -1.0), dvector![0.5, 3.0]);
    let (_, (dv, dt, dw)) = copies_passed_on_hvp(&v, &t, &w, &x, &2.0, &y);
    assert!((dv - 6.0 * (t * x + 2.0 * v)).norm() < 1e-13);
    assert!((dt - 6.0 * v.dot(&x)).abs() < 1e-13);
    assert!((dw - 6.0 * y).norm() < 1e-13);
}

/// What an inert branch gives is a matrix where its sides say so.
#[vjp(wrt(x))]
#[gradient]
fn inert_branch(c: f64, x: f64) -> f64 {
    let m = matrix![1.0, 2.0; 3.0, x];
    let v = m
        * (if c < 0.5 {
            Vector2::from_element(1.0)
        } else {
            Vector2::from_element(2.0)
        });
    v.norm_squared()
}

/// So is a copy of an inert variable that changes, as a part of what a branch gives.
#[gradient(wrt(x))]
#[hessian]
fn inert_in_a_tuple(c: f64, x: f64) -> f64 {
    let mut p: DMatrix<f64> = DMatrix::zeros(2, 3);
    p[(0, 1)] = c;
    let (t, q): (f64, DMatrix<f64>) = if x > 0.25 {
        (x, p.clone())
    } else {
        (c, p.clone())
    };
    p[(0, 1)] = 0.0;
    t * x + (q * x).sum()
}

#[test]
fn inert_matrices_of_branches() {
    for (c, x) in [(0.3, 0.5), (0.7, -0.5)] {
        let k = if c < 0.5 { 1.0 } else { 2.0 };
        // k² (9 + (3 + x)²)
        let expected = 2.0 * k * k * (3.0 + x);
        assert!((inert_branch_gradient(c, x) - expected).abs() < 1e-13);
        let (_, pullback) = inert_branch_vjp(c, x);
        assert!((pullback(0.5) - 0.5 * expected).abs() < 1e-13);
        // x² + c x, or 2 c x
        let (slope, curvature) = if x > 0.25 {
            (2.0 * x + c, 2.0)
        } else {
            (2.0 * c, 0.0)
        };
        assert!((inert_in_a_tuple_gradient(c, x) - slope).abs() < 1e-13);
        assert!((inert_in_a_tuple_hessian(c, x) - curvature).abs() < 1e-13);
    }
}

/// A number that is one of some literals has a type of its own where a loop calls its methods.
#[vjp]
fn literals_in_a_loop(v: &Vector2<f64>) -> f64 {
    let mut a: f64 = if v[0] > 1.0 {
        0.1
    } else if v[1] > 1.0 {
        -0.5
    } else {
        90.0
    };
    let mut k = 0;
    while k < 3 && a.to_radians() > 1.5 {
        a += v[1];
        k += 1;
    }
    a
}

#[test]
fn literals_that_loops_begin_with() {
    let cases = [
        (Vector2::new(0.5, 0.75), 92.25, Vector2::new(0.0, 6.0)),
        (Vector2::new(0.5, 1.5), -0.5, Vector2::zeros()),
    ];
    for (v, expected, gradient) in cases {
        let (value, pullback) = literals_in_a_loop_vjp(&v);
        assert_eq!((value, pullback(2.0)), (expected, gradient));
    }
}

/// What the closure of a map of columns computes of a matrix of one side is computed on that side, too.
#[gradient]
#[hessian]
fn side_in_a_map(x: &DVector<f64>, y: &DVector<f64>) -> f64 {
    let mut s: f64 = 1.5;
    let mut k = 0;
    while k < 3 {
        s += x.dot(y);
        k += 1;
    }
    let v = DVector::from_column_slice(&[0.5, s]) * s;
    if s > -1.0 {
        return 0.5;
    }
    x[1] + v.sum() + v.dot(x) * 0.7
}

#[test]
fn sides_in_maps_of_columns() {
    for y in [dvector![0.067, -0.503], dvector![2.0, 3.0]] {
        let x = dvector![-0.599, -0.621];
        let (n, all) = (2, DVector::from_iterator(4, x.iter().chain(&y).copied()));
        let gradient = |all: &DVector<f64>| {
            let (x, y) = (all.rows(0, n).into_owned(), all.rows(n, n).into_owned());
            let (dx, dy) = side_in_a_map_gradient(&x, &y);
            DVector::from_iterator(4, dx.iter().chain(&dy).copied())
        };
        let value = |all: &DVector<f64>| {
            side_in_a_map(&all.rows(0, n).into_owned(), &all.rows(n, n).into_owned())
        };
        check::gradient(value, &all, &gradient(&all)).unwrap();
        let ((xx, xy), (yx, yy)) = side_in_a_map_hessian(&x, &y);
        let mut hessian = DMatrix::zeros(4, 4);
        for (at, block) in [((0, 0), xx), ((0, n), xy), ((n, 0), yx), ((n, n), yy)] {
            hessian.view_mut(at, (n, n)).copy_from(&block);
        }
        check::jacobian(gradient, &all, &hessian).unwrap();
    }
}

/// A length that a statement on one side binds is read on that side only, behind the statement.
#[jvp]
#[gradient]
fn length_of_one_side(q: &DMatrix<f64>, v: &DVector<f64>, w: DVector<f64>) -> f64 {
    let mut a = v[0];
    let (s, _x): (f64, DVector<f64>) = if a < 0.5 {
        let sum = q.iter().map(|_| 0.5_f64).sum::<f64>();
        (f64::mul_add(0.5, a, sum), w.clone())
    } else {
        (0.25, v.clone())
    };
    a /= s;
    a
}

#[test]
fn lengths_of_one_side() {
    let (q, w) = (DMatrix::zeros(2, 3), dvector![1.0]);
    for a in [0.25, 0.75] {
        let v = dvector![a, 3.0];
        // a/(a/2 + 3), or 4 a
        let (value, slope) = match a < 0.5 {
            true => (a / (0.5 * a + 3.0), 3.0 / (0.5 * a + 3.0_f64).powi(2)),
            false => (4.0 * a, 4.0),
        };
        let tangent = length_of_one_side_jvp(&q, &v, w.clone(), &q, &dvector![2.0, 5.0], w.clone());
        assert_eq!(tangent.0, value);
        assert!((tangent.1 - 2.0 * slope).abs() < 1e-13);
        let (_, dv, _) = length_of_one_side_gradient(&q, &v, w.clone());
        assert!((dv - dvector![slope, 0.0]).norm() < 1e-13);
    }
}

/// How often a loop has run is no argument of a call that does not move.
#[hessian]
fn counted_with_calls(p: &Vector2<f64>, t: f64, s: f64) -> f64 {
    let mut a = s;
    let mut n = 0;
    while n < 3 {
        let shifted = &(Vector2::new(p[1], s) - Vector2::new(s, t));
        a += product(Vector2::from_row_slice(&[p[1], t]), shifted, 0.5) + a;
        n += 1;
    }
    a
}

#[differentiable]
fn product(x: Vector2<f64>, y: &Vector2<f64>, t: f64) -> f64 {
    x.dot(y) * t
}

#[test]
fn counted_loops_with_calls() {
    let (p, t, s) = (Vector2::new(0.3, 0.7), -0.4, 1.3);
    // 8 s + 7/2 (p₁ (p₁ − s) + t (s − t))
    let (value, gradient, hessian) = counted_with_calls_value_gradient_and_hessian(&p, t, s);
    let expected = 8.0 * s + 3.5 * (p[1] * (p[1] - s) + t * (s - t));
    assert!((value - expected).abs() < 1e-13);
    let dp = Vector2::new(0.0, 3.5 * (2.0 * p[1] - s));
    assert!((gradient.0 - dp).norm() < 1e-13);
    assert!((gradient.1 - 3.5 * (s - 2.0 * t)).abs() < 1e-13);
    assert!((gradient.2 - (8.0 + 3.5 * (t - p[1]))).abs() < 1e-13);
    let ((pp, pt, ps), (_, tt, ts), (_, _, ss)) = hessian;
    assert!((pp - matrix![0.0, 0.0; 0.0, 7.0]).norm() < 1e-13);
    assert!(pt.norm() < 1e-13);
    assert!((ps - Vector2::new(0.0, -3.5)).norm() < 1e-13);
    assert!((tt + 7.0).abs() < 1e-13 && (ts - 3.5).abs() < 1e-13 && ss.abs() < 1e-13);
}

/// What entries are added to is as large as the choice that they are taken of.
#[gradient(wrt(x))]
fn size_of_a_choice(t: f64, x: DVector<f64>, w: &DVector<f64>) -> f64 {
    let v = if t < 3.0 && t > -1.0 {
        x.clone()
    } else {
        w.clone()
    };
    let y: DVector<f64> = if 1.5 > -1.0 { x.clone() } else { w.clone() };
    v[2] + y.sum()
}

#[test]
fn sizes_of_choices() {
    let (x, w) = (dvector![0.5, 1.0, 2.0], dvector![1.0, 2.0, 3.0]);
    let gradient = |t: f64| size_of_a_choice_gradient(t, x.clone(), &w);
    assert_eq!(gradient(0.5), dvector![1.0, 1.0, 2.0]);
    assert_eq!(gradient(5.0), dvector![1.0, 1.0, 1.0]);
}

/// A matrix that is computed on the sides of two branches is moved on neither before it is read.
#[hvp]
#[gradient]
fn computed_twice(x: &Vector3<f64>) -> f64 {
    let y: DVector<f64> = if x[0] < -0.5 {
        let q: DMatrix<f64> =
            dmatrix![0.5, 3.0; 0.5, 0.5; 0.5, x[0]] * dmatrix![0.5, 0.5; 0.5, x[0]] * x[0];
        dvector![q[(2, 0)], q[(1, 1)]]
    } else {
        dvector![0.5, x[2]]
    };
    let mut x = Vector3::new(0.5, y[1], 0.5);
    let n = 0;
    match n {
        0 => x *= x[1],
        1 => {}
        _ => {}
    }
    x[0] + x.dot(&x) * -0.5 + x.dot(&x) * 0.5
}

#[test]
fn matrices_computed_twice() {
    for first in [-0.7, 0.3] {
        let (x, d) = (Vector3::new(first, 0.5, -1.1), Vector3::new(1.0, -2.0, 0.5));
        // y₁/2, with y₁ = (1/4 + x₀/2) x₀ or x₂
        let (slope, turn) = match first < -0.5 {
            true => (
                Vector3::new(0.125 + 0.5 * first, 0.0, 0.0),
                Vector3::new(0.5, 0.0, 0.0),
            ),
            false => (Vector3::new(0.0, 0.0, 0.5), Vector3::zeros()),
        };
        assert!((computed_twice_gradient(&x) - slope).norm() < 1e-13);
        let (gradient, product) = computed_twice_hvp(&x, &d);
        assert!((gradient - slope).norm() < 1e-13);
        assert!((product - turn).norm() < 1e-13);
    }
}

/// What tells the size of a cotangent in a pullback is not moved before.
#[vjp]
fn size_in_a_pullback(s: f64, q: &DMatrix<f64>) -> f64 {
    let mut m = q.clone();
    let mut n = 0;
    while n < 3 {
        m = q.clone();
        n += 1;
    }
    m[(0, 0)] *= s;
    m *= s;
    m[(0, 0)]
}

#[test]
fn sizes_in_pullbacks() {
    let q = dmatrix![0.5, 1.0, 2.0; 3.0, 4.0, 5.0];
    let (value, pullback) = size_in_a_pullback_vjp(1.5, &q);
    // s² q₀₀
    assert_eq!(value, 1.125);
    let (ds, dq) = pullback(2.0);
    assert_eq!((ds, dq), (3.0, dmatrix![4.5, 0.0, 0.0; 0.0, 0.0, 0.0]));
}

/// What sizes are compared on a side of a branch that gives nothing is compared there.
#[vjp]
fn compared_on_a_side(s: f64, k: usize) -> f64 {
    if s < 0.5 {
        return s;
    }
    let (_t, a): (f64, f64) = if s > 1.0 {
        let inner = if k == 1 {
            let _m = DMatrix::from_element(3, 3, 0.5).component_mul(&DMatrix::from_row_slice(
                3,
                3,
                &[s, s, s, s, s, s, s, s, 0.5],
            ));
            s
        } else {
            2.0 * s
        };
        (s, s + inner)
    } else {
        (s, s)
    };
    a
}

#[test]
fn sizes_compared_on_sides() {
    for (s, k, slope) in [(0.3, 1, 1.0), (0.7, 1, 1.0), (1.5, 1, 2.0), (1.5, 0, 3.0)] {
        let (value, pullback) = compared_on_a_side_vjp(s, k);
        assert!((value - slope * s).abs() < 1e-15);
        assert_eq!(pullback(0.5), 0.5 * slope);
    }
}

/// A row that a product is stacked of twice is not moved into it.
#[hessian]
#[gradient]
fn stacked_twice(p: &DMatrix<f64>) -> f64 {
    let s = (if p[(1, 1)] < -0.5 {
        3.0
    } else {
        let q = dmatrix![1.5, 0.5; 0.5, p[(1, 2)]; 0.5, p[(1, 2)]];
        q[(0, 1)]
    })
    .min(p[(1, 2)]);
    s * s
}

#[test]
fn rows_stacked_twice() {
    for (other, last) in [(0.1, 0.2), (0.1, 0.7), (-0.7, 0.2)] {
        let mut p = DMatrix::from_element(2, 3, 0.3);
        (p[(1, 1)], p[(1, 2)]) = (other, last);
        // min(…, p₁₂)², of which the first is 1/2 or 3
        let own = last < if other < -0.5 { 3.0 } else { 0.5 };
        let mut gradient = DMatrix::zeros(2, 3);
        let mut hessian = DMatrix::zeros(6, 6);
        if own {
            (gradient[(1, 2)], hessian[(5, 5)]) = (2.0 * last, 2.0);
        }
        assert_eq!(stacked_twice_gradient(&p), gradient);
        assert_eq!(stacked_twice_hessian(&p), hessian);
    }
}

/// What the closure of a map of columns reads inside of a pass is there for the next column.
#[hessian(wrt(v))]
#[gradient(wrt(v))]
fn read_in_a_map(v: &DVector<f64>, a: f64) -> f64 {
    let mut w = v * 1.0;
    for _ in 0..v.nrows() {
        let x = w.clone();
        w -= (DMatrix::<f64>::identity(2, 2) * 2.0)
            .cholesky()
            .unwrap()
            .solve(&(v + &x));
    }
    w.iter().fold(a * a, |sum, w| {
        sum + (a.powi(3) * -0.3).max(f64::sqrt(*w + 2.0).to_radians())
    })
}

#[test]
fn reads_of_maps_of_columns() {
    for a in [0.5, -0.4] {
        let v = dvector![0.7, 1.9];
        let gradient = |v: &DVector<f64>| read_in_a_map_gradient(v, a);
        check::gradient(|v: &DVector<f64>| read_in_a_map(v, a), &v, &gradient(&v)).unwrap();
        check::jacobian(gradient, &v, &read_in_a_map_hessian(&v, a)).unwrap();
    }
}

/// Zeros whose length a statement of one side binds are made on that side.
#[gradient]
fn zeros_of_one_side(m: &DMatrix<f64>, t: &f64, w: DVector<f64>) -> f64 {
    let s = if 0.1 + m[(0, 0)] < -1.0 {
        m.iter().map(|e| *e + *t).sum::<f64>()
    } else {
        DVector::from_element(2, *t).scale(*t).dot(&w.map(|_| *t))
    };
    if 0.7 + s < -1.0 {
        return m[(2, 0)];
    }
    let start = dvector![m[(0, 1)], s, 0.25].dot(&dvector![m[(2, 1)], 0.5, m[(1, 1)]]);
    let sum = m.iter().fold(start, |sum, e| {
        sum + (m[(0, 0)] / (e.powi(2) + 2.0) - m[(0, 0)])
    });
    sum.clamp(-0.8, 1.2) + *t * s * 0.5 + *t * *t * 3.0
}

#[test]
fn zeros_that_know_their_length() {
    let points = [[-0.866, 0.3], [0.2, 0.3], [-1.3, 0.4], [0.2, -1.5]];
    for [first, t] in points {
        let mut m = DMatrix::from_fn(3, 2, |i, j| 0.3 * i as f64 - 0.2 * j as f64);
        m[(0, 0)] = first;
        let w = dvector![0.5, -0.3];
        let (dm, dt, _) = zeros_of_one_side_gradient(&m, &t, w.clone());
        let of_m = |m: &DMatrix<f64>| zeros_of_one_side(m, &t, w.clone());
        check::gradient(of_m, &m, &dm).unwrap();
        check::gradient(|t: &f64| zeros_of_one_side(&m, t, w.clone()), &t, &dt).unwrap();
    }
}

/// What a loop gives has the name by which the range of a loop in a loop reads it.
#[gradient]
fn read_by_a_range(x: DVector<f64>, s: f64) -> f64 {
    let mut v = DVector::from_element(2, s);
    for _ in 0..2 {
        v += &x;
    }
    let w = v.clone();
    let (mut k, mut a) = (0, s);
    while k < 2 {
        let mut n = 0;
        while n < 2 {
            for _ in 0..w.len() {
                if a > 100.0 {
                    break;
                }
                v *= s;
            }
            n += 1;
        }
        a += s;
        k += 1;
    }
    v[0] + w[1] * a
}

#[test]
fn ranges_that_read_what_loops_give() {
    let (x, s) = (dvector![0.5, -1.0], 1.1_f64);
    // (s + 2 x₀) s⁸ + 3 s (s + 2 x₁)
    let (dx, ds) = read_by_a_range_gradient(x.clone(), s);
    assert!((dx - dvector![2.0 * s.powi(8), 6.0 * s]).norm() < 1e-12);
    let slope = 9.0 * s.powi(8) + 16.0 * x[0] * s.powi(7) + 6.0 * s + 6.0 * x[1];
    assert!((ds - slope).abs() < 1e-12);
}
