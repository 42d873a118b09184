//! Loops that carry a state: every kind of companion against finite differences and against each other.

#![allow(
    dead_code,
    clippy::assign_op_pattern,
    clippy::needless_range_loop,
    clippy::explicit_counter_loop,
    clippy::while_float,
    reason = "some functions are known by their companions only; written as people write"
)]

mod common;

use common::slope;
use nalgebra::{DMatrix, DVector, Matrix2, Vector2, Vector3};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};

/// Some entries around `c`.
fn vector(n: usize, c: f64) -> DVector<f64> {
    DVector::from_fn(n, |i, _| c + 0.3 * (i as f64 * 1.7).sin())
}

/// Equal up to this part of the larger one, or of one.
fn assert_close(a: f64, b: f64, tolerance: f64) {
    let scale = a.abs().max(b.abs()).max(1.0);
    assert!((a - b).abs() <= tolerance * scale, "{a} is not {b}");
}

#[gradient]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn square_root(a: f64, start: f64) -> f64 {
    let mut x = start;
    for _ in 0..5 {
        x = x - (x * x - a) / (2.0 * x);
    }
    x
}

#[test]
fn newton_iteration() {
    // d√a/da = 1/(2√a), whatever it starts from.
    let (da, dstart) = square_root_gradient(2.0, 1.5);
    assert_close(da, 0.5 / 2f64.sqrt(), 1e-12);
    assert_close(dstart, 0.0, 1e-9);
    let h = square_root_hessian(2.0, 1.2);
    assert_close(h.0.0, -0.25 / 2f64.powf(1.5), 1e-7);
    for (a, s) in [(2.0, 0.3), (0.7, 3.0)] {
        let numbers = square_root_gradient(a, s);
        assert_close(numbers.0, slope(|t| square_root(a + t, s)), 1e-7);
        assert_close(numbers.1, slope(|t| square_root(a, s + t)), 1e-7);
        let h = square_root_hessian(a, s);
        assert_close(h.0.1, slope(|t| square_root_gradient(a, s + t).0), 1e-6);
        assert_close(h.1.1, slope(|t| square_root_gradient(a, s + t).1), 1e-6);
        assert_close(h.0.0, slope(|t| square_root_gradient(a + t, s).0), 1e-6);
        let (value, tangent) = square_root_jvp(a, s, 0.4, -0.3);
        assert_eq!(value, square_root(a, s));
        assert_close(tangent, 0.4 * numbers.0 - 0.3 * numbers.1, 1e-13);
        let (value, pullback) = square_root_vjp(a, s);
        assert_eq!(value, square_root(a, s));
        assert_close(pullback(2.0).0, 2.0 * numbers.0, 1e-14);
        assert_close(pullback(1.0).1, numbers.1, 1e-14);
        let (_, along) = square_root_hvp(a, s, 1.0, 0.5);
        assert_close(along.0, h.0.0 + 0.5 * h.0.1, 1e-10);
        assert_close(along.1, h.1.0 + 0.5 * h.1.1, 1e-10);
    }
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn recurrence(x: &DVector<f64>, a: f64) -> f64 {
    let mut s = 0.5;
    for i in 0..x.len() {
        s = (s * a + x[i]).sin();
    }
    s
}

#[test]
fn a_recurrence() {
    for n in [0, 1, 2, 7] {
        let (x, a) = (vector(n, 0.3), 0.8);
        let (value, (dx, da)) = recurrence_value_and_gradient(&x, a);
        assert_eq!(value, recurrence(&x, a));
        assert_close(da, slope(|t| recurrence(&x, a + t)), 1e-8);
        for i in 0..n {
            let moved = |t: f64| {
                let mut y = x.clone();
                y[i] += t;
                y
            };
            assert_close(dx[i], slope(|t| recurrence(&moved(t), a)), 1e-8);
            let h = recurrence_hessian(&moved(0.0), a);
            assert_close(
                h.1.0[i],
                slope(|t| recurrence_gradient(&moved(t), a).1),
                1e-7,
            );
            for j in 0..n {
                assert_close(
                    h.0.0[(i, j)],
                    slope(|t| recurrence_gradient(&moved(t), a).0[j]),
                    1e-7,
                );
                assert_eq!(h.0.0[(i, j)], h.0.0[(j, i)]);
            }
        }
        let v = vector(n, -0.7);
        let (_, tangent) = recurrence_jvp(&x, a, &v, 0.6);
        assert_close(tangent, dx.dot(&v) + 0.6 * da, 1e-13);
    }
}

#[gradient]
#[hessian]
#[vjp]
fn orbit(p: &Vector3<f64>, k: f64, n: usize) -> f64 {
    let mut x = *p;
    let mut v = Vector3::new(0.0, 1.0, 0.0);
    let dt = 0.1;
    for _ in 0..n {
        let a = -k * x / x.norm().powi(3);
        v += a * dt;
        x += v * dt;
    }
    x.norm_squared()
}

#[test]
fn a_time_loop() {
    let (p, k) = (Vector3::new(1.0, 0.2, -0.3), 0.9);
    for n in [0, 1, 2, 20] {
        let (value, (dp, dk)) = orbit_value_and_gradient(&p, k, n);
        assert_eq!(value, orbit(&p, k, n));
        assert_close(dk, slope(|t| orbit(&p, k + t, n)), 1e-7);
        let h = orbit_hessian(&p, k, n);
        for i in 0..3 {
            let moved = |t: f64| {
                let mut q = p;
                q[i] += t;
                q
            };
            assert_close(dp[i], slope(|t| orbit(&moved(t), k, n)), 1e-7);
            assert_close(h.1.0[i], slope(|t| orbit_gradient(&moved(t), k, n).1), 1e-6);
            for j in 0..3 {
                assert_close(
                    h.0.0[(i, j)],
                    slope(|t| orbit_gradient(&moved(t), k, n).0[j]),
                    1e-6,
                );
            }
        }
    }
}

#[gradient]
#[hvp]
#[jvp]
fn grows(a: f64, b: f64) -> f64 {
    let mut x = a;
    while x < 10.0 {
        x = x * 1.5 + b * x.sqrt();
    }
    x
}

#[gradient]
#[hvp]
fn bisects(a: f64) -> f64 {
    let mut x = a;
    let mut steps = 0;
    loop {
        let next = 0.5 * (x + a / x);
        steps += 1;
        if (next - x).abs() < 1e-13 || steps > 50 {
            break;
        }
        x = next;
    }
    x * steps as f64
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn leaves(x: &DVector<f64>, limit: f64) -> f64 {
    let mut s = 1.0;
    let mut count = 0;
    for i in 0..x.len() {
        if x[i] < 0.0 {
            continue;
        }
        s *= x[i] + 0.5;
        count += 1;
        if s > limit {
            break;
        }
        s += 0.1 * s.sin();
    }
    s * count as f64
}

#[test]
fn loops_that_end_by_a_condition() {
    for (a, b) in [(0.3, 0.2), (2.0, 0.1), (12.0, 0.4)] {
        let (da, db) = grows_gradient(a, b);
        assert_close(da, slope(|t| grows(a + t, b)), 1e-6);
        assert_close(db, slope(|t| grows(a, b + t)), 1e-6);
        let (value, tangent) = grows_jvp(a, b, 1.0, -0.5);
        assert_eq!(value, grows(a, b));
        assert_close(tangent, da - 0.5 * db, 1e-12);
        let (_, along) = grows_hvp(a, b, 1.0, 0.0);
        assert_close(along.0, slope(|t| grows_gradient(a + t, b).0), 1e-5);
        assert_close(along.1, slope(|t| grows_gradient(a + t, b).1), 1e-5);
    }
    for a in [0.5, 2.0, 9.0] {
        let (value, da) = bisects_value_and_gradient(a);
        assert_eq!(value, bisects(a));
        let n = (value / a.sqrt()).round();
        assert_close(da, n * 0.5 / a.sqrt(), 1e-9);
        assert_close(bisects_hvp(a, 1.0).1, -n * 0.25 / a.powf(1.5), 1e-6);
    }
    let all = [
        DVector::from_vec(vec![0.4, -1.0, 1.3, 0.9, 0.7]),
        DVector::from_vec(vec![2.4, 1.0]),
        DVector::from_vec(vec![-0.4, -1.0]),
        DVector::zeros(0),
    ];
    for x in &all {
        for limit in [0.8, 2.0, 100.0] {
            let (value, (dx, dl)) = leaves_value_and_gradient(x, limit);
            assert_eq!(value, leaves(x, limit));
            assert_eq!(dl, 0.0);
            let v = vector(x.len(), 0.4);
            let (_, tangent) = leaves_jvp(x, limit, &v, 0.3);
            assert_close(tangent, dx.dot(&v), 1e-13);
            let (_, along) = leaves_hvp(x, limit, &v, 0.0);
            for i in 0..x.len() {
                let moved = |t: f64| {
                    let mut y = x.clone();
                    y[i] += t;
                    y
                };
                assert_close(dx[i], slope(|t| leaves(&moved(t), limit)), 1e-7);
                let along_i = slope(|t| leaves_gradient(&moved(t), limit).0.dot(&v));
                assert_close(along.0[i], along_i, 1e-6);
            }
        }
    }
}

#[gradient]
#[hvp]
#[jvp]
fn nested(m: &DMatrix<f64>) -> f64 {
    let mut t = 0.0;
    for i in 0..m.nrows() {
        let mut s = 1.0;
        for j in 0..m.ncols() {
            s = s * m[(i, j)] + t;
        }
        t += s.sin();
    }
    t
}

#[test]
fn loops_in_loops() {
    for (r, c) in [(0, 0), (1, 1), (2, 3), (4, 2)] {
        let m = DMatrix::from_fn(r, c, |i, j| 0.3 + 0.4 * (i as f64) - 0.2 * (j as f64));
        let (value, dm) = nested_value_and_gradient(&m);
        assert_eq!(value, nested(&m));
        let v = DMatrix::from_fn(r, c, |i, j| 0.5 - 0.3 * (i * j) as f64);
        let (_, tangent) = nested_jvp(&m, &v);
        assert_close(tangent, dm.dot(&v), 1e-13);
        let (_, along) = nested_hvp(&m, &v);
        for k in 0..r * c {
            let moved = |t: f64| {
                let mut n = m.clone();
                n[k] += t;
                n
            };
            assert_close(dm[k], slope(|t| nested(&moved(t))), 1e-8);
            assert_close(
                along[k],
                slope(|t| nested_gradient(&moved(t)).dot(&v)),
                1e-7,
            );
        }
    }
}

#[jacobian]
#[jvp]
#[vjp]
fn power(a: &Matrix2<f64>, x: &Vector2<f64>, n: usize) -> Vector2<f64> {
    let mut y = *x;
    for _ in 0..n {
        y = a * y;
        y /= y.norm();
    }
    y
}

#[test]
fn the_jacobian_of_a_loop() {
    let (a, x) = (Matrix2::new(1.0, 0.3, -0.4, 0.8), Vector2::new(0.5, 1.2));
    for n in [0, 1, 4] {
        let (value, (ja, jx)) = power_value_and_jacobian(&a, &x, n);
        assert_eq!(value, power(&a, &x, n));
        for j in 0..2 {
            for i in 0..2 {
                let moved = |t: f64| {
                    let mut y = x;
                    y[j] += t;
                    y
                };
                assert_close(jx[(i, j)], slope(|t| power(&a, &moved(t), n)[i]), 1e-8);
            }
        }
        for k in 0..4 {
            for i in 0..2 {
                let moved = |t: f64| {
                    let mut b = a;
                    b[k] += t;
                    b
                };
                assert_close(ja[(i, k)], slope(|t| power(&moved(t), &x, n)[i]), 1e-8);
            }
        }
        let (_, pullback) = power_vjp(&a, &x, n);
        let (da, dx) = pullback(Vector2::new(0.3, -0.6));
        for j in 0..2 {
            assert_close(dx[j], 0.3 * jx[(0, j)] - 0.6 * jx[(1, j)], 1e-13);
        }
        for k in 0..4 {
            assert_close(da[k], 0.3 * ja[(0, k)] - 0.6 * ja[(1, k)], 1e-13);
        }
        assert_eq!(pullback(Vector2::new(0.3, -0.6)), (da, dx));
    }
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn labelled(m: &DMatrix<f64>, limit: f64) -> f64 {
    let mut s = 0.5;
    'rows: for i in 0..m.nrows() {
        let mut t = 1.0;
        for j in 0..m.ncols() {
            if m[(i, j)] < 0.0 {
                continue 'rows;
            }
            t *= m[(i, j)] + s;
            if t > limit {
                s += t * t;
                break 'rows;
            }
        }
        s += t;
    }
    s
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn returning(x: &DVector<f64>, limit: f64) -> f64 {
    let mut s = 1.0;
    for i in 0..x.len() {
        s = s * x[i] + 0.3;
        if s > limit {
            return s * s * x[0];
        }
        for j in 0..i {
            if x[j] * s < -0.4 {
                return x[j] + s;
            }
        }
    }
    let t = s.sin();
    t * s
}

#[jacobian(wrt(x))]
fn first_root(x: &DVector<f64>, c: f64) -> Option<(f64, Vector2<f64>)> {
    for i in 0..x.len() {
        if x[i] < 0.0 {
            return None;
        }
        if x[i] > c {
            return Some((x[i].sqrt(), Vector2::new(x[i], c * c)));
        }
    }
    Some((x.sum(), Vector2::zeros()))
}

#[test]
fn ways_out_of_several_loops() {
    let all = [
        DMatrix::from_row_slice(2, 2, &[0.4, 0.9, 0.7, 0.3]),
        DMatrix::from_row_slice(2, 2, &[0.4, -0.9, 0.7, 0.3]),
        DMatrix::from_row_slice(3, 2, &[0.4, 0.9, 2.7, 1.3, 0.1, 0.1]),
        DMatrix::zeros(0, 0),
    ];
    for m in &all {
        let v = m.map_with_location(|i, j, _| 0.7 - 0.4 * i as f64 + 0.2 * j as f64);
        for limit in [2.0, 100.0] {
            let (value, (dm, dl)) = labelled_value_and_gradient(m, limit);
            assert_eq!(value.to_bits(), labelled(m, limit).to_bits());
            assert_eq!(dl, 0.0);
            assert_close(dm.dot(&v), slope(|t| labelled(&(m + &v * t), limit)), 1e-7);
            assert_close(labelled_jvp(m, limit, &v, 1.0).1, dm.dot(&v), 1e-13);
            assert_close(
                (labelled_vjp(m, limit).1(2.0).0 - &dm * 2.0).norm(),
                0.0,
                1e-13,
            );
            let (_, along) = labelled_hvp(m, limit, &v, 0.0);
            let want = slope(|t| labelled_gradient(&(m + &v * t), limit).0.dot(&v));
            assert_close(along.0.dot(&v), want, 1e-6);
        }
    }
    let x = DVector::from_column_slice(&[0.4, 0.9, 0.7]);
    let ((root, pair), (j, jp)) = first_root_value_and_jacobian(&x, 0.8).unwrap();
    assert_eq!((root, pair.x), (0.9f64.sqrt(), 0.9));
    assert_close(j[(0, 1)], 0.5 / 0.9f64.sqrt(), 1e-14);
    assert_eq!((j[(0, 0)], jp[(0, 1)], jp[(1, 1)]), (0.0, 1.0, 0.0));
    assert!(first_root_jacobian(&DVector::from_column_slice(&[0.4, -0.9]), 0.8).is_none());
    for entries in [&[0.4, 0.9, 0.7][..], &[2.4, 0.9], &[0.8, -0.9, 0.1], &[]] {
        let x = DVector::from_column_slice(entries);
        let v = x.map_with_location(|i, _, _| 0.7 - 0.4 * i as f64);
        let (value, (dx, _)) = returning_value_and_gradient(&x, 1.5);
        assert_eq!(value.to_bits(), returning(&x, 1.5).to_bits());
        assert_close(dx.dot(&v), slope(|t| returning(&(&x + &v * t), 1.5)), 1e-7);
        assert_close(returning_jvp(&x, 1.5, &v, 1.0).1, dx.dot(&v), 1e-13);
        assert_close(
            (returning_vjp(&x, 1.5).1(2.0).0 - &dx * 2.0).norm(),
            0.0,
            1e-13,
        );
        let (_, along) = returning_hvp(&x, 1.5, &v, 0.0);
        let want = slope(|t| returning_gradient(&(&x + &v * t), 1.5).0.dot(&v));
        assert_close(along.0.dot(&v), want, 1e-6);
    }
}

/// What carries no derivative and changes from one iteration to the next is kept for the way back.
mod inert_values_that_change {
    use super::*;

    #[gradient]
    #[hvp]
    #[jvp]
    fn counted(x: &DVector<f64>) -> f64 {
        let mut product = 1.0;
        let mut at = 0;
        for i in 0..x.len() / 2 {
            product *= x[at] + x[i];
            at += 2;
        }
        at = 1;
        product * x[at]
    }

    #[gradient]
    #[hvp]
    #[jvp]
    fn counted_inside(x: &DVector<f64>) -> f64 {
        let mut product = 1.0;
        let mut packed = 0;
        for i in 0..3 {
            let mut diagonal = i;
            for j in i + 1..3 {
                product *= x[packed] + x[diagonal] * x[j];
                packed += 1;
                diagonal += 1;
            }
        }
        product
    }

    #[gradient]
    #[hvp]
    #[jvp]
    fn discounted(x: &DVector<f64>) -> f64 {
        let (mut product, mut weight) = (1.0, 0.5);
        for i in 0..x.len() {
            product *= 1.0 + weight * x[i];
            weight *= 0.7;
        }
        weight = 3.0;
        product * weight
    }

    #[gradient]
    #[hvp]
    #[jvp]
    fn looked_up(x: &DVector<f64>) -> f64 {
        let table = [3, 1, 2];
        let mut product = 1.0;
        for i in 0..3 {
            let k = table[i];
            for j in 0..k {
                product *= 1.0 + x[k] * x[j] * x[i];
            }
        }
        product
    }

    #[gradient]
    #[hvp]
    #[jvp]
    fn ranges_that_grow(x: &DVector<f64>) -> f64 {
        let mut product = 1.0;
        let mut end = 0;
        for i in 0..3 {
            end += i;
            for j in 0..end {
                product *= 1.0 + x[j] * x[i];
            }
        }
        product
    }

    #[test]
    fn agree_with_differences() {
        macro_rules! check {
            ($($f:ident $gradient:ident $hvp:ident $jvp:ident)*) => {$({
                let (x, v) = (vector(6, 0.8), vector(6, -0.2));
                let gradient = $gradient(&x);
                for i in 0..x.len() {
                    let moved = |t: f64| {
                        let mut x = x.clone();
                        x[i] += t;
                        x
                    };
                    assert_close(gradient[i], slope(|t| $f(&moved(t))), 1e-7);
                    let along = slope(|t| $gradient(&(&x + t * &v))[i]);
                    assert_close($hvp(&x, &v).1[i], along, 1e-6);
                }
                assert_close($jvp(&x, &v).1, gradient.dot(&v), 1e-12);
            })*};
        }
        check! {
            counted counted_gradient counted_hvp counted_jvp
            counted_inside counted_inside_gradient counted_inside_hvp counted_inside_jvp
            discounted discounted_gradient discounted_hvp discounted_jvp
            looked_up looked_up_gradient looked_up_hvp looked_up_jvp
            ranges_that_grow ranges_that_grow_gradient ranges_that_grow_hvp ranges_that_grow_jvp
        }
    }
}

/// Variables without derivative that change from one iteration to the next: what was read then counts, also backwards.
#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn changing_factor(x: &Vector3<f64>) -> f64 {
    let mut s = 1.0;
    let mut factor: f64 = 1.0;
    let mut twice = false;
    let mut k = 0;
    for i in 0..3 {
        factor += 0.5;
        s += (x[i] * factor).sin() * s;
        if twice {
            s *= x[k];
        }
        s = match k {
            0 => s + x[i] * x[i],
            _ => s * 0.5,
        };
        twice = !twice;
        k = 2 - i;
    }
    s
}

#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn counted_by_hand(x: &Vector3<f64>) -> f64 {
    let mut s = 1.0;
    let mut k = 0;
    while k < 3 {
        s *= x[k] * x[k] + k as f64;
        k += 1;
    }
    s
}

#[test]
fn inert_state_is_that_of_the_iteration() {
    let v = Vector3::new(0.7, -0.4, 0.2);
    for x in [Vector3::new(0.7, -1.3, 2.1), Vector3::new(-0.6, 2.2, -1.7)] {
        for k in 0..3 {
            let moved = |t: f64| {
                let mut y = x;
                y[k] += t;
                y
            };
            let slopes = (
                slope(|t| changing_factor(&moved(t))),
                slope(|t| counted_by_hand(&moved(t))),
            );
            assert_close(changing_factor_gradient(&x)[k], slopes.0, 1e-7);
            assert_close(counted_by_hand_gradient(&x)[k], slopes.1, 1e-7);
            assert_close(changing_factor_vjp(&x).1(2.0)[k], 2.0 * slopes.0, 1e-7);
            assert_close(counted_by_hand_vjp(&x).1(2.0)[k], 2.0 * slopes.1, 1e-7);
            let along = (
                slope(|t| changing_factor_gradient(&moved(t)).dot(&v)),
                slope(|t| counted_by_hand_gradient(&moved(t)).dot(&v)),
            );
            assert_close(changing_factor_hvp(&x, &v).1[k], along.0, 1e-6);
            assert_close(counted_by_hand_hvp(&x, &v).1[k], along.1, 1e-6);
        }
        let tangent = changing_factor_gradient(&x).dot(&v);
        assert_close(changing_factor_jvp(&x, &v).1, tangent, 1e-12);
        let tangent = counted_by_hand_gradient(&x).dot(&v);
        assert_close(counted_by_hand_jvp(&x, &v).1, tangent, 1e-12);
    }
}

/// Statements that bind inert names are repeated where the iterations are counted again.
#[gradient(wrt(a))]
#[hvp(wrt(a))]
fn timed(a: f64, dt: f64, n: usize) -> f64 {
    let mut total = 0.0;
    for i in 0..n {
        let t = dt * i as f64;
        let m = 2 * i + 1;
        let u = (a * t).sin();
        for j in 0..m {
            let w = t + j as f64;
            total += u * (a * w).cos();
        }
    }
    total
}

/// What is bound from how the iterations are counted, in a loop that is left early.
#[gradient(wrt(a))]
#[hvp(wrt(a))]
fn left_early(a: f64, dt: f64, n: usize) -> f64 {
    let mut total = 0.0;
    let mut state = 0.5;
    for i in 0..n {
        let t = dt * i as f64;
        let m = 2 * i + 1;
        for j in 0..m {
            let w = t + j as f64;
            state = (a * w + state).cos();
            total += state * state;
        }
        for j in 0..i {
            state += (a * (t + (i + j) as f64)).sin() * state;
        }
        if total > 6.0 {
            break;
        }
    }
    total + state
}

/// Names of inert values that stand in for indices.
#[gradient]
#[vjp]
fn picked(x: &DVector<f64>) -> f64 {
    let mut total = 0.0;
    let mut s = 1.0;
    for i in 1..x.len() {
        let j = x.len() - i;
        let k = j - 1;
        s = s * x[j] + x[k].sin();
        total += s;
    }
    total
}

#[test]
fn inert_names_in_loops() {
    for n in [0, 1, 4, 9] {
        let (a, dt) = (0.37, 0.21);
        assert_close(
            timed_gradient(a, dt, n),
            slope(|t| timed(a + t, dt, n)),
            1e-7,
        );
        assert_close(
            left_early_gradient(a, dt, n),
            slope(|t| left_early(a + t, dt, n)),
            1e-7,
        );
        let (value, gradient) = left_early_value_and_gradient(a, dt, n);
        assert_eq!(value, left_early(a, dt, n));
        let (_, second) = left_early_hvp(a, dt, n, 1.0);
        assert_close(gradient, left_early_gradient(a, dt, n), 1e-14);
        assert_close(second, slope(|t| left_early_gradient(a + t, dt, n)), 1e-6);
        let (_, second) = timed_hvp(a, dt, n, 1.0);
        assert_close(second, slope(|t| timed_gradient(a + t, dt, n)), 1e-6);
    }
    let x = vector(6, 0.7);
    let gradient = picked_gradient(&x);
    let (_, pullback) = picked_vjp(&x);
    for k in 0..x.len() {
        let along = |t: f64| {
            let mut x = x.clone();
            x[k] += t;
            picked(&x)
        };
        assert_close(gradient[k], slope(along), 1e-7);
        assert_close(pullback(2.0)[k], 2.0 * gradient[k], 1e-14);
    }
    let empty = std::panic::catch_unwind(|| picked_gradient(&DVector::zeros(0)));
    assert!(empty.is_ok_and(|gradient| gradient.is_empty()));
}

/// Products with what is the same in all iterations, added with either sign, to parts and to the whole.
#[gradient]
#[hvp]
fn linear_in_iterations(a: &DMatrix<f64>, m: &DVector<f64>, p: &DMatrix<f64>, n: usize) -> f64 {
    let mut total = 0.0;
    for i in 0..n {
        let s = 0.3 * i as f64;
        let y = a * m - a * p.column(1) * s;
        let z = a.tr_mul(&p.column(0).rows(0, 2));
        total += (&y * s).map(f64::sin).sum() + z.norm_squared() * y[0];
    }
    total
}

#[test]
fn products_of_sums_over_iterations() {
    let a = DMatrix::from_fn(2, 3, |i, j| 0.5 * (i as f64 + 1.9 * j as f64).sin());
    let (m, p) = (
        vector(3, 0.2),
        DMatrix::from_fn(3, 2, |i, j| (i as f64 - j as f64).cos()),
    );
    let (da, dm) = (a.map(|t| t * t - 0.3), vector(3, -0.4));
    let dp = p.map(|t| 0.5 - t);
    for n in [0, 1, 4] {
        let moved = |t: f64| (&a + &da * t, &m + &dm * t, &p + &dp * t);
        let along = |t: f64| {
            let (a, m, p) = moved(t);
            linear_in_iterations(&a, &m, &p, n)
        };
        let dot = |g: (DMatrix<f64>, DVector<f64>, DMatrix<f64>)| {
            g.0.dot(&da) + g.1.dot(&dm) + g.2.dot(&dp)
        };
        assert_close(
            dot(linear_in_iterations_gradient(&a, &m, &p, n)),
            slope(along),
            1e-7,
        );
        let (value, gradient) = linear_in_iterations_value_and_gradient(&a, &m, &p, n);
        assert_eq!(value, linear_in_iterations(&a, &m, &p, n));
        assert_close(dot(gradient), slope(along), 1e-7);
        let (_, second) = linear_in_iterations_hvp(&a, &m, &p, n, &da, &dm, &dp);
        let second_slope = slope(|t| {
            let (a, m, p) = moved(t);
            dot(linear_in_iterations_gradient(&a, &m, &p, n))
        });
        assert_close(dot(second), second_slope, 1e-6);
    }
}

/// Outer products and products with vectors are added in place, with any factor.
#[gradient]
fn bilinear(a: &DMatrix<f64>, x: &DMatrix<f64>, y: &DMatrix<f64>) -> f64 {
    let mut total = 0.0;
    for i in 0..x.ncols() {
        let product = a * y.column(i);
        total += x[(0, i)] * x.column(i).dot(&product) - 0.5 * total;
    }
    total
}

#[test]
fn outer_products_are_added_in_place() {
    let of = |rows: usize, columns: usize, c: f64| {
        DMatrix::from_fn(rows, columns, |i, j| (c * i as f64 + j as f64).sin())
    };
    let (a, x, y) = (of(2, 3, 0.7), of(2, 4, 1.3), of(3, 4, -0.4));
    let (by_a, by_x, by_y) = bilinear_gradient(&a, &x, &y);
    // The cotangent of the i-th term is 2^(i − 3).
    let weight = |i: usize| 0.5f64.powi(3 - i as i32);
    for k in 0..2 {
        for l in 0..3 {
            let entry: f64 = (0..4)
                .map(|i| weight(i) * x[(0, i)] * x[(k, i)] * y[(l, i)])
                .sum();
            assert_close(by_a[(k, l)], entry, 1e-13);
        }
    }
    for i in 0..4 {
        let product = &a * y.column(i);
        let form = x.column(i).dot(&product);
        for k in 0..2 {
            let first = if k == 0 { form } else { 0.0 };
            assert_close(
                by_x[(k, i)],
                weight(i) * (first + x[(0, i)] * product[k]),
                1e-13,
            );
        }
        for l in 0..3 {
            let entry = weight(i) * x[(0, i)] * a.column(l).dot(&x.column(i));
            assert_close(by_y[(l, i)], entry, 1e-13);
        }
    }
}

/// Variables that begin as others, and others that go on with what they were.
#[gradient]
#[hvp]
fn handed_on(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    let mut h = x.clone();
    let mut before = x * 0.5;
    let mut total = 0.0;
    for i in 0..3 {
        let mut g = h.clone();
        for _ in 0..2 {
            g = (a * &g).map(f64::sin);
        }
        let next = a.tr_mul(&g) + &before * (i as f64);
        before = h;
        h = next;
        total += h.dot(&before);
        if total > 50.0 {
            break;
        }
    }
    total + before.sum()
}

#[test]
fn variables_that_change_places() {
    let a = DMatrix::from_fn(3, 3, |i, j| (0.7 * i as f64 - 1.1 * j as f64).cos());
    let (da, dx) = (a.map(|t| t * t - 0.4), vector(3, -0.2));
    for scale in [0.5, 1.0, 30.0] {
        let x = vector(3, 0.3) * scale;
        let gradient = handed_on_gradient(&a, &x);
        let (value, same) = handed_on_value_and_gradient(&a, &x);
        assert_eq!(value, handed_on(&a, &x));
        assert_eq!(gradient, same);
        let along = |t: f64| handed_on(&(&a + &da * t), &(&x + &dx * t));
        assert_close(
            gradient.0.dot(&da) + gradient.1.dot(&dx),
            slope(along),
            1e-7,
        );
        let (_, second) = handed_on_hvp(&a, &x, &da, &dx);
        let second_slope = slope(|t| {
            let (by_a, by_x) = handed_on_gradient(&(&a + &da * t), &(&x + &dx * t));
            by_a.dot(&da) + by_x.dot(&dx)
        });
        assert_close(second.0.dot(&da) + second.1.dot(&dx), second_slope, 1e-6);
    }
}

/// The slope of a logistic function from its value, also where that is 0 or 1.
#[gradient]
fn gates(w: f64, x: &DVector<f64>) -> f64 {
    let mut h = 0.5;
    for i in 0..x.len() {
        let gate = 1.0 / (1.0 + (-(w * x[i])).exp());
        h = gate * h + gate * gate;
    }
    h
}

#[test]
fn slopes_of_saturated_gates() {
    for x in [vec![0.3, -0.7, 1.2], vec![5.0, -6.0, 2.0]] {
        let x = DVector::from_vec(x);
        let (by_w, by_x) = gates_gradient(0.8, &x);
        assert_close(by_w, slope(|t| gates(0.8 + t, &x)), 1e-8);
        for i in 0..3 {
            let along = |t: f64| {
                let mut x = x.clone();
                x[i] += t;
                gates(0.8, &x)
            };
            assert_close(by_x[i], slope(along), 1e-8);
        }
    }
    let (by_w, by_x) = gates_gradient(1.0, &DVector::from_vec(vec![-1e3, 1e3, -800.0]));
    assert_eq!((by_w, by_x), (0.0, DVector::zeros(3)));
}

/// Vectors that are kept of loops in loops, on sides of branches, and of sizes that change.
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn recurrent(w: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    let mut h = DVector::from_element(w.nrows(), 0.1);
    let mut total = 0.0;
    for t in 0..x.ncols() {
        for _ in 0..2 {
            h = (w * &h + x.column(t)).map(|z| 1.0 / (1.0 + (-z).exp()));
        }
        if t % 2 == 1 {
            let twice = (w.tr_mul(&h) * h[0]).map(f64::sin);
            h = h.component_mul(&twice);
        }
        let part = h.rows(0, t % 3 + 1) * total;
        total = part.norm_squared() + h.sum();
    }
    total
}

#[test]
fn vectors_kept_of_loops() {
    let w = DMatrix::from_fn(3, 3, |i, j| 0.7 * (i as f64 - 1.7 * j as f64).sin());
    let dw = DMatrix::from_fn(3, 3, |i, j| (0.4 * i as f64 + j as f64).cos());
    for columns in [0, 1, 2, 5] {
        let x = DMatrix::from_fn(3, columns, |i, j| 0.8 * (i as f64 + 2.3 * j as f64).cos());
        let dx = DMatrix::from_fn(3, columns, |i, j| (1.1 * i as f64 - 0.3 * j as f64).sin());
        let along = |t: f64| recurrent(&(&w + &dw * t), &(&x + &dx * t));
        let gradient = recurrent_gradient(&w, &x);
        let directional = gradient.0.dot(&dw) + gradient.1.dot(&dx);
        assert_close(directional, slope(along), 1e-7);
        let (value, tangent) = recurrent_jvp(&w, &x, &dw, &dx);
        assert_eq!(value, recurrent(&w, &x));
        assert_close(tangent, directional, 1e-12);
        let (_, pullback) = recurrent_vjp(&w, &x);
        for scale in [1.0, -2.0] {
            let (by_w, by_x) = pullback(scale);
            assert_close((by_w - &gradient.0 * scale).amax(), 0.0, 1e-12);
            assert!(
                by_x.iter()
                    .zip(&gradient.1)
                    .all(|(a, b)| (a - b * scale).abs() < 1e-12)
            );
        }
        let (_, second) = recurrent_hvp(&w, &x, &dw, &dx);
        let found = second.0.dot(&dw) + second.1.dot(&dx);
        let slope_of_gradient = slope(|t| {
            let (by_w, by_x) = recurrent_gradient(&(&w + &dw * t), &(&x + &dx * t));
            by_w.dot(&dw) + by_x.dot(&dx)
        });
        assert_close(found, slope_of_gradient, 1e-6);
    }
}

// ---- bounds that iterations compute ----

/// Sums up to where an iteration says, in a loop that carries a state; lengths of what is differentiated among integers.
#[gradient(wrt(x))]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn banded(x: &DVector<f64>, ends: &[usize], all: bool) -> f64 {
    let mut s = 1.0;
    for i in 0..ends.len() {
        let upto = if all { x.len() } else { ends[i] };
        for j in 0..upto {
            s += x[j].sin();
        }
        let (from, to) = (i.saturating_sub(1), (i + 2).min(x.len()));
        for j in from..to {
            s *= 1.0 + 0.1 * x[j] * x[i];
        }
        s += (0..ends[i]).map(|j| x[j] * x[i].cos()).sum::<f64>();
    }
    s
}

#[test]
fn bounds_of_iterations() {
    use nalgrad::check;
    let x = DVector::from_fn(4, |i, _| 0.3 + 0.2 * i as f64);
    let ends = [2, 0, 4, 1];
    for all in [false, true] {
        let f = |x: &DVector<f64>| banded(x, &ends, all);
        let gradient = |x: &DVector<f64>| banded_gradient(x, &ends, all);
        assert_eq!(banded_value_and_gradient(&x, &ends, all).0, f(&x));
        check::gradient(f, &x, &gradient(&x)).unwrap();
        check::jvp(f, &x, |d: &DVector<f64>| banded_jvp(&x, &ends, all, d)).unwrap();
        check::vjp(f, &x, banded_vjp(&x, &ends, all)).unwrap();
        check::jacobian(gradient, &x, &banded_hessian(&x, &ends, all)).unwrap();
        check::jvp(gradient, &x, |d: &DVector<f64>| {
            (gradient(&x), banded_hvp(&x, &ends, all, d).1)
        })
        .unwrap();
    }
}

enum Segment {
    Range(usize, usize),
    One(usize),
}

/// Bounds that patterns, closures and tuples bind, and `let … else` that goes on with the next iteration.
#[gradient(wrt(x))]
#[hvp]
#[vjp]
fn segmented(x: &DVector<f64>, segments: &[Segment], options: &[Option<(usize, usize)>]) -> f64 {
    let mut s = 1.0;
    for segment in segments {
        match *segment {
            Segment::Range(a, b) => {
                for j in a..b {
                    s = s * x[j].sin() + 1.0;
                }
            }
            Segment::One(k) => s = s * x[k] + 0.5,
        }
    }
    let product = |from: usize, to: usize, start: f64| {
        let mut p = start;
        for j in from..to {
            p = p * x[j].sin() + 1.0;
        }
        p
    };
    for (i, option) in options.iter().enumerate() {
        s = product(i, x.len(), s);
        let Some((a, b)) = *option else {
            continue;
        };
        for j in a..b {
            s = s * x[j].cos() + 1.0;
        }
        let Some(next) = options.get(i + 1) else {
            break;
        };
        if next.is_some() {
            s *= x[a];
        }
    }
    s
}

#[test]
fn bounds_of_patterns() {
    use nalgrad::check;
    let x = DVector::from_fn(4, |i, _| 0.3 + 0.2 * i as f64);
    let segments = [Segment::Range(0, 2), Segment::One(3), Segment::Range(1, 4)];
    let options = [Some((0, 2)), None, Some((1, 4)), Some((0, 1))];
    let f = |x: &DVector<f64>| segmented(x, &segments, &options);
    let gradient = |x: &DVector<f64>| segmented_gradient(x, &segments, &options);
    check::gradient(f, &x, &gradient(&x)).unwrap();
    check::vjp(f, &x, segmented_vjp(&x, &segments, &options)).unwrap();
    check::jvp(gradient, &x, |d: &DVector<f64>| {
        (gradient(&x), segmented_hvp(&x, &segments, &options, d).1)
    })
    .unwrap();
}
