//! Loops: what they carry, keep and change, among each other and in branches.

use crate::oracle::panic_message;
use nalgebra::{DMatrix, DVector, Matrix2, Vector2, Vector3};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};

#[test]
fn a_second_loop_changes_a_variable_that_is_read_as_it_was() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let mut s = x;
        for _ in 0..1 {
            s *= 3.0;
        }
        let k = s;
        for _ in 0..2 {
            s = s * k + k;
        }
        s * k
    }
    // With k = 3x: k⁴ + k³ + k².
    expect!((0.5) => 3.0 * (4.0 * 1.5 * 1.5 * 1.5 + 3.0 * 1.5 * 1.5 + 2.0 * 1.5));
}

#[test]
fn a_second_loop_changes_a_vector_that_a_derivative_reads() {
    #[gradient]
    fn f(x: &Vector2<f64>) -> f64 {
        let mut v = *x;
        for e in v.iter_mut() {
            *e *= 2.0;
        }
        let w = v.norm_squared();
        for e in v.iter_mut() {
            *e *= w;
        }
        v.sum()
    }
    // 8 (x² + y²) (x + y)
    expect!((&Vector2::new(1.0, 0.5)) => Vector2::new(8.0 * (2.0 * 1.5 + 1.25), 8.0 * (1.5 + 1.25)));
}

#[test]
fn two_records_of_one_name() {
    #[gradient]
    fn f(x: &DVector<f64>, a: f64) -> f64 {
        let mut v = x.clone();
        let mut s = 0.0;
        for i in 0..2 {
            let old = v[i];
            v[i] = a * old * v[(i + 1) % 2];
            s += old * v[i];
        }
        s
    }
    // a x² y + a² x y³ … at a = 1: v₀ = x y, v₁ = x y², s = x² y + x y³.
    let x = DVector::from_vec(vec![2.0, 3.0]);
    let want = DVector::from_vec(vec![2.0 * 2.0 * 3.0 + 27.0, 4.0 + 3.0 * 2.0 * 9.0]);
    expect!((&x, 1.0) => (want, 12.0 + 2.0 * 54.0));
}

#[test]
fn a_loop_on_one_side_keeps_several_values() {
    #[gradient]
    fn f(x: &DVector<f64>, a: f64) -> f64 {
        let mut v = x.clone();
        let mut s = a;
        if a > 0.0 {
            for i in 0..2 {
                v[i] = v[i] * s;
                s *= v[i].sin();
            }
        } else {
            for i in 0..2 {
                s += v[i] * v[i];
                v[i] = s;
            }
        }
        s + v.sum()
    }
    let x = DVector::from_vec(vec![0.5, 2.0]);
    // s₁ = a + x², s₂ = s₁ + y²: 2 s₂ + s₁.
    expect!((&x, -1.0) => (DVector::from_vec(vec![3.0, 8.0]), 3.0));
    // v₀ = x a, s₁ = a sin v₀, v₁ = y s₁, s₂ = s₁ sin v₁
    let slope = |x: f64, y: f64, a: f64, dx: f64, dy: f64, da: f64| {
        let (v, dv) = (x * a, dx * a + x * da);
        let (s, ds) = (a * v.sin(), da * v.sin() + a * v.cos() * dv);
        let (w, dw) = (y * s, dy * s + y * ds);
        ds * w.sin() + s * w.cos() * dw + dv + dw
    };
    let by = |dx, dy, da| slope(0.5, 2.0, 1.5, dx, dy, da);
    let want = DVector::from_vec(vec![by(1.0, 0.0, 0.0), by(0.0, 1.0, 0.0)]);
    expect!((&x, 1.5) => (want, by(0.0, 0.0, 1.0)));
}

#[test]
fn a_record_that_a_side_does_not_need_is_no_zero() {
    #[gradient]
    fn f(x: &Vector3<f64>, a: f64) -> f64 {
        let mut v = *x;
        let mut s = a;
        for _ in 0..2 {
            v[2] += (0.5 + s * s).sqrt();
            if x[1] > 2.0 {
                s -= 1.0;
            }
            if s < 0.5 {
                break;
            }
            v = *x;
        }
        v[0] * s
    }
    expect!((&Vector3::new(3.0, 1.0, 1.0), 1.0) => (Vector3::new(1.0, 0.0, 0.0), 3.0));
    assert_eq!(panic_message(|| f(&Vector3::zeros(), 1.0)), None);
}

#[test]
fn a_counter_is_what_it_was_in_each_iteration() {
    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let mut s = 0.0;
        let mut i = 0;
        while i < 2 {
            s += x[i] * x[i] * x[2 - i];
            i += 1;
        }
        let mut k = 2;
        for _ in 0..2 {
            s += x[k] * x[k - 1];
            k -= 1;
        }
        s
    }
    let x = DVector::from_vec(vec![2.0, 3.0, 5.0]);
    // x² z + y³ + z y + y x
    assert_eq!(f(&x), 20.0 + 27.0 + 15.0 + 6.0);
    expect!((&x) => DVector::from_vec(vec![20.0 + 3.0, 27.0 + 5.0 + 2.0, 4.0 + 3.0]));
}

#[test]
fn several_maps_of_columns_change_the_same_tangent() {
    #[gradient]
    #[hessian]
    fn f(x: &DVector<f64>) -> f64 {
        let mut v = x.clone();
        let k = v.sum();
        for e in v.iter_mut() {
            *e *= *e * k;
        }
        let w = v.norm_squared();
        for e in v.iter_mut() {
            *e *= w;
        }
        v.dot(x) * k
    }
    // With s = Σx, p = Σx³ and q = Σx⁴: s² p · s² q.
    let x = DVector::from_vec(vec![0.5, 0.75]);
    let power = |n| x.map(|e: f64| e.powi(n)).sum();
    let want = power(1).powi(4) * power(3) * power(4);
    assert!((f(&x) - want).abs() < 1e-12);
    let h = f_hessian(&x);
    for i in 0..2 {
        let by = |t: f64| {
            let mut at = x.clone();
            at[i] += t;
            f_gradient(&at)
        };
        let slope = (by(1e-5) - by(-1e-5)) / 2e-5;
        assert!((h.column(i) - &slope).norm() < 1e-7, "{h} and {slope}");
    }
}

#[test]
fn a_range_counts_what_the_loop_makes_shorter() {
    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let mut v = x * 2.0;
        let mut s = 1.0;
        for i in 0..v.len() {
            s *= x[i] * v.norm_squared();
            v = v.rows(0, 1).into_owned();
        }
        s
    }
    // x · 4 (x² + y²) · y · 4 x²
    let (x, y) = (0.5_f64, 2.0_f64);
    let by_x = 16.0 * (5.0 * x.powi(4) * y + 3.0 * x.powi(2) * y.powi(3));
    let by_y = 16.0 * (x.powi(5) + 3.0 * x.powi(3) * y.powi(2));
    expect!((&DVector::from_vec(vec![x, y])) => DVector::from_vec(vec![by_x, by_y]));
}

#[test]
fn a_range_counts_what_nothing_else_reads() {
    #[jacobian]
    fn f(a: &DVector<f64>, b: f64) -> DVector<f64> {
        let mut unread = DVector::from_element(2, 0.5);
        for i in 0..unread.len() {
            unread += a;
            if a[i] > 9.0 {
                break;
            }
        }
        let mut v = DVector::from_element(2, 0.5) - a;
        for k in 0..v.len() {
            if k > 0 {
                v /= b;
            }
        }
        v
    }
    let a = DVector::from_vec(vec![1.0, 3.0]);
    let (value, (by_a, by_b)) = f_value_and_jacobian(&a, 2.0);
    assert_eq!(value, f(&a, 2.0));
    assert_eq!(by_a, DMatrix::identity(2, 2) * -0.5);
    assert_eq!(by_b.as_slice(), [0.5 / 4.0, 2.5 / 4.0]);
    assert_eq!(f_jacobian(&a, 2.0), (by_a, by_b));
}

#[test]
fn an_inner_range_counts_a_vector_that_its_loop_changes() {
    #[gradient]
    fn f(q: f64) -> f64 {
        let mut q = q;
        for _ in 0..3 {
            let mut v = DVector::from_vec(vec![q, q, 0.7]);
            for _ in 0..v.nrows() {
                v /= q;
            }
            if q > 1.5 {
                q *= v[0];
            }
        }
        q
    }
    // q / q² each time, as long as that is more than 1.5.
    expect!((2.0) => -1.0 / 4.0);
    expect!((0.5) => 1.0);
}

#[test]
fn a_length_is_read_after_a_sum_that_could_have_moved_the_vector() {
    #[gradient]
    fn f(x: &DVector<f64>, m: &DMatrix<f64>) -> f64 {
        let v = m * x;
        let w = &v + x;
        assert!(w[0] > 0.0);
        let n = v.len();
        assert!(n == 1);
        w.norm_squared()
    }
    let (x, m) = (
        DVector::from_element(1, 2.0),
        DMatrix::from_element(1, 1, 3.0),
    );
    // (m x + x)²
    expect!((&x, &m) => (DVector::from_element(1, 64.0), DMatrix::from_element(1, 1, 32.0)));
}

#[test]
fn an_entry_is_assigned_a_number_of_which_a_hessian_has_a_row() {
    #[gradient]
    #[hessian]
    fn f(x: &DVector<f64>) -> f64 {
        let mut v = x.clone();
        let p = v[0];
        v[0] = 3.0 * v[1];
        p * v[0] * v[1]
    }
    // 3 x y²
    let x = DVector::from_vec(vec![2.0, 5.0]);
    expect!((&x) => DVector::from_vec(vec![75.0, 60.0]));
    let want = DMatrix::from_row_slice(2, 2, &[0.0, 30.0, 30.0, 12.0]);
    assert_eq!(f_hessian(&x), want);
}

#[test]
fn a_hessian_goes_backwards_through_tangents_as_often_as_the_loop_ran() {
    #[gradient]
    #[hessian]
    fn f(x: &DVector<f64>, m: &DMatrix<f64>) -> f64 {
        let mut v = m * x;
        let mut n = 0;
        while v.norm_squared() > 0.2 && n < 2 {
            let old = v[0];
            v[1] = old * v[1];
            n += 1;
        }
        v.sum()
    }
    // With u = m x: u₀ + u₁ u₀².
    let x = DVector::from_vec(vec![0.5, 2.0]);
    let m = DMatrix::from_row_slice(2, 2, &[1.0, 0.25, 0.5, 1.5]);
    let u = &m * &x;
    let du = DVector::from_vec(vec![1.0 + 2.0 * u[0] * u[1], u[0] * u[0]]);
    assert_eq!(f(&x, &m), u[0] + u[1] * u[0] * u[0]);
    let gradient = (m.tr_mul(&du), &du * x.transpose());
    expect!((&x, &m) => gradient);
    let ddu = DMatrix::from_row_slice(2, 2, &[2.0 * u[1], 2.0 * u[0], 2.0 * u[0], 0.0]);
    let ((by_x, mixed), (other, _)) = f_hessian(&x, &m);
    assert!((by_x - m.tr_mul(&(&ddu * &m))).norm() < 1e-12);
    assert_eq!(mixed.transpose(), other);
    for k in 0..4 {
        let by = |t: f64| {
            let mut at = m.clone();
            at[k] += t;
            f_gradient(&x, &at).0
        };
        let slope = (by(1e-5) - by(-1e-5)) / 2e-5;
        assert!((mixed.column(k) - slope).norm() < 1e-7);
    }
}

#[test]
fn what_follows_a_change_of_an_entry_is_added_after_it() {
    #[jacobian]
    fn f(x: &Vector3<f64>) -> DVector<f64> {
        let mut v = DVector::from_column_slice(&[x[0], x[1], x[0]]);
        v[1] -= x[0];
        &v + DVector::from_column_slice(&[x[0], x[2], 0.5])
    }
    // In another order the last digit differs.
    let x = Vector3::new(-0.316, -1.354, -0.519);
    let value = DVector::from_vec(vec![x[0] + x[0], (x[1] - x[0]) + x[2], x[0] + 0.5]);
    assert_ne!((x[1] + x[2]) - x[0], value[1]);
    let slopes = [2.0, 0.0, 0.0, -1.0, 1.0, 1.0, 1.0, 0.0, 0.0];
    let jacobian = DMatrix::from_row_slice(3, 3, &slopes);
    assert_eq!(f(&x), value);
    assert_eq!(f_value_and_jacobian(&x), (value, jacobian));
}

#[test]
fn parts_are_added_in_the_order_of_the_user() {
    #[gradient]
    fn f(x: &Vector3<f64>) -> f64 {
        let mut v = *x;
        for i in 0..3 {
            let t = v[i];
            v[2 - i] += t;
            v += x;
        }
        v[0]
    }
    let x = Vector3::new(0.679, 0.558, -0.535);
    // 5 x + 3 z
    expect!((&x) => Vector3::new(5.0, 0.0, 3.0));
}

#[test]
fn an_inner_variable_shadows_one_that_a_range_counts_later() {
    #[gradient]
    fn f(t: f64) -> f64 {
        let v = Vector2::from_element(0.5);
        let mut k = 0;
        while k < 2 {
            let mut v = t;
            v += 1.0;
            assert!(v > t);
            k += 1;
        }
        let mut s = t;
        for _ in 0..v.len() {
            s *= t;
        }
        s
    }
    expect!((2.0) => 12.0);
}

#[test]
fn a_factorisation_on_one_side_of_a_branch_is_kept() {
    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let mut t = 0.75;
        for k in 0..2 {
            if x[k] > 0.5 {
                let m = DMatrix::from_row_slice(2, 2, &[2.0, 0.0, t, 4.0]);
                t += m.lu().solve(x).unwrap()[1];
            }
        }
        t
    }
    // Once: t + (y − t x / 2) / 4.
    let x = DVector::from_vec(vec![1.0, 0.25]);
    expect!((&x) => DVector::from_vec(vec![-0.75 / 8.0, 0.25]));
    let x = DVector::from_vec(vec![0.25, 0.5]);
    expect!((&x) => DVector::zeros(2));
}

#[test]
fn a_tangent_of_a_way_back_reads_what_only_the_way_there_has() {
    #[gradient]
    #[hvp]
    fn f(s: f64) -> f64 {
        let mut a = s;
        for _ in 0..3 {
            a /= s * s + 0.5;
        }
        a
    }
    // s q⁻³ with q = s² + ½: q⁻³ − 6 s² q⁻⁴ and −18 s q⁻⁴ + 48 s³ q⁻⁵.
    let s: f64 = 0.75;
    let q = s * s + 0.5;
    let first = q.powi(-3) - 6.0 * s * s * q.powi(-4);
    expect!((s) => first);
    let (gradient, second) = f_hvp(s, 2.0);
    assert!((gradient - first).abs() < 1e-12);
    let want = -18.0 * s * q.powi(-4) + 48.0 * s.powi(3) * q.powi(-5);
    assert!((second - 2.0 * want).abs() < 1e-12, "{second}, not {want}");
}

#[test]
fn a_sum_that_is_read_as_a_loop_after_all_begins_where_it_was() {
    fn say(log: &std::cell::Cell<f64>) -> f64 {
        log.set(log.get() + 1.0);
        log.get()
    }
    #[gradient]
    fn f(x: &DVector<f64>, log: &std::cell::Cell<f64>) -> f64 {
        let mut s = 0.0;
        let mut t = 0.0;
        for i in 0..2 {
            s += x[i];
            t += x[i] * say(log);
        }
        s * t
    }
    let x = DVector::from_vec(vec![3.0, 5.0]);
    let log = || std::cell::Cell::new(0.0);
    // (x + y) (x + 2 y)
    assert_eq!(f(&x, &log()), 8.0 * 13.0);
    let (value, gradient) = f_value_and_gradient(&x, &log());
    assert_eq!(value, 8.0 * 13.0);
    assert_eq!(gradient.as_slice(), [13.0 + 8.0, 13.0 + 16.0]);
    assert_eq!(f_gradient(&x, &log()), gradient);
}

#[test]
fn an_inner_range_counts_what_the_outer_loop_began_with() {
    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let v = x * 2.0;
        let mut w = v.clone();
        for _ in 0..2 {
            for _ in 0..v.nrows() {
                w += x;
            }
        }
        w.norm_squared()
    }
    // With n = 2 entries: (2 + 4)² x².
    let x = DVector::from_vec(vec![1.0, 3.0]);
    expect!((&x) => &x * 72.0);
}

#[test]
fn an_arm_is_kept_where_the_counter_is_not() {
    #[gradient]
    fn f(x: &Vector3<f64>) -> f64 {
        let mut a = 0.5;
        for k in 0..3 {
            match k {
                0 => a -= x[0],
                1 => {}
                _ => {
                    if x[1] < 0.5 {
                        break;
                    }
                    a *= x[2];
                }
            }
        }
        a
    }
    // (½ − x) z, or ½ − x where the loop is left.
    expect!((&Vector3::new(2.0, 1.0, 3.0)) => Vector3::new(-3.0, 0.0, -1.5));
    expect!((&Vector3::new(2.0, 0.0, 3.0)) => Vector3::new(-1.0, 0.0, 0.0));
}

#[test]
fn a_count_that_an_arm_computes_is_kept() {
    #[gradient]
    fn f(x: f64, v: &DVector<f64>) -> f64 {
        let mut s = x;
        for k in 0..3 {
            match k {
                1 => {
                    let mut t = 3.0;
                    for _ in 1..v.nrows() {
                        t += s;
                    }
                    s = t * s;
                }
                _ => s *= 2.0,
            }
        }
        s
    }
    // Of three: 2 (3 + 2 · 2 x) 2 x.
    expect!((0.5, &DVector::zeros(3)) => (12.0 + 16.0, DVector::zeros(3)));
}

#[test]
fn a_part_that_both_sides_add_is_not_moved() {
    #[gradient]
    fn f(s: f64, w: DVector<f64>) -> f64 {
        let v = w.rows(0, 2);
        if s > 1.0 {
            return w[0];
        }
        v.mean()
    }
    let w = DVector::from_vec(vec![1.0, 2.0, 3.0]);
    expect!((2.0, w.clone()) => (0.0, DVector::from_vec(vec![1.0, 0.0, 0.0])));
    expect!((0.0, w.clone()) => (0.0, DVector::from_vec(vec![0.5, 0.5, 0.0])));
}

#[test]
fn a_closure_reads_a_counter_as_it_is_before_it() {
    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let mut k = 0;
        let mut s = 0.0;
        while k < 2 {
            s += x.map(|e| e * x[k + 1] * k as f64).sum();
            k += 1;
            s += x.map(|e| e * x[k]).sum();
        }
        s
    }
    // (x + y + z) (y + z + z)
    let x = DVector::from_vec(vec![1.0, 2.0, 4.0]);
    assert_eq!(f(&x), 70.0);
    expect!((&x) => DVector::from_vec(vec![10.0, 17.0, 24.0]));
}

#[test]
fn an_inert_factor_stands_before_an_entry() {
    // The step that evaluates the entry was moved before the one that binds its index.
    #[gradient(wrt(x))]
    fn f(x: &[f64], k: &[f64], pairs: &[(usize, f64)]) -> f64 {
        let mut acc = 0.0;
        for (i, c) in k.iter().enumerate() {
            acc += c * x[i];
        }
        for (i, c) in pairs {
            acc += c * x[*i].powi(2);
        }
        let mut u = [0.0; 3];
        for i in 1..3 {
            let c = 0.5 * i as f64;
            u[i] = x[i] - c * u[i - 1];
        }
        acc + u[2]
    }
    let (x, k, pairs) = ([1.0, 2.0, 4.0], [0.5, -1.0, 3.0], [(1, 2.0), (1, -0.5)]);
    // k + 3 x₁ e₁ + (0, −1, 1)
    expect!((&x, &k, &pairs) => vec![0.5, 4.0, 4.0]);
}

#[test]
fn conditions_of_entries_come_from_one_side() {
    // The other side handed out one condition in place of a matrix of them.
    #[gradient(wrt(w))]
    fn f(w: &Matrix2<f64>, x: &Vector2<f64>) -> f64 {
        let mut a = *x;
        for i in 0..2 {
            let z = w * a;
            a = if i == 0 {
                z.map(|v| if v > 0.0 { v } else { 0.5 * v })
            } else {
                z
            };
        }
        a.sum()
    }
    let (w, x) = (Matrix2::new(1.0, 2.0, -1.0, 0.0), Vector2::new(1.0, 1.0));
    // 1 aᵀ + D wᵀ 1 xᵀ with a = D w x = (3, −½)
    expect!((&w, &x) => Matrix2::new(3.0, -0.5, 3.0, -0.5) + Matrix2::new(0.0, 0.0, 1.0, 1.0));
}

#[test]
fn arrays_of_vectors_by_reference_have_tangents() {
    // The tangent, a reference already, was borrowed once more.
    #[nalgrad::jvp]
    fn g(points: &[Vector2<f64>; 2]) -> f64 {
        let mut sum = Vector2::zeros();
        for p in points {
            sum += p;
        }
        sum.norm_squared()
    }
    let points = [Vector2::new(1.0, 2.0), Vector2::new(3.0, -1.0)];
    let along = [Vector2::new(0.5, 0.0), Vector2::new(0.0, 2.0)];
    assert_eq!(g_jvp(&points, &along), (g(&points), 8.0));
}

/// A variable that is only added to, and copied into another one in every iteration: its cotangent was taken for that of
/// its last value, which nobody reads.
mod copy_of_a_sum {
    use super::*;

    #[gradient]
    fn f(x: f64) -> f64 {
        let mut sum = 0.5 * x;
        let mut copy = sum;
        for _ in 0..3 {
            sum += x * x;
            copy = sum;
        }
        copy * copy
    }

    #[test]
    fn has_the_derivative_of_the_sum() {
        // (x / 2 + 3 x²)² by the chain rule.
        expect!((0.7) => 2.0 * (0.35 + 3.0 * 0.49) * (0.5 + 6.0 * 0.7));
    }
}

/// What a loop on one side counts over is evaluated there, and its pullback runs elsewhere.
#[vjp]
fn range_on_one_side(x: f64) -> f64 {
    let mut items = Vector3::new(0.5, -1.0, -1.0);
    items.x = 0.25;
    if x > 0.5 {
        return x * items.y;
    }
    let mut last = x * x;
    for _ in 0..items.len() {
        last = 3.0 * x;
    }
    last
}

#[test]
fn ranges_on_one_side() {
    for (x, slope) in [(0.7, -1.0), (0.2, 3.0)] {
        let (value, pullback) = range_on_one_side_vjp(x);
        assert_eq!(value, range_on_one_side(x));
        assert_eq!(pullback(1.0), slope);
    }
}

/// What reads a variable as it was, and the tangent of what it becomes, was computed in between, by a loop for the tangent
/// alone; and then both loops ran.
mod tangent_beside_an_older_value {
    use super::*;

    #[jvp]
    #[gradient]
    #[hessian]
    fn f(x: &Vector2<f64>) -> f64 {
        let mut w = x * 2.0;
        for i in 0..2 {
            w[i] += x[i];
        }
        let k = w;
        for i in 0..2 {
            w[i] += x[i] * x[i];
        }
        w.dot(&k) + w[1]
    }

    #[jacobian]
    fn g(x: f64, more: &[f64]) -> DVector<f64> {
        let mut w = DVector::from_element(2, 0.5);
        w[1] = x;
        for _ in more {
            w = w * 2.0;
        }
        for i in 0..w.len() {
            w[1 - i] -= x;
        }
        w
    }

    #[test]
    fn has_the_derivative_of_both() {
        // f = Σ (3 x + x²) 3 x + 3 x₂ + x₂²
        let (x, d) = (Vector2::new(0.7, -0.4), Vector2::new(0.5, 2.0));
        let slopes = x.map(|x| 18.0 * x + 9.0 * x * x) + Vector2::new(0.0, 3.0 + 2.0 * x[1]);
        let (value, slope) = f_jvp(&x, &d);
        assert_eq!(value, f(&x));
        assert!((slope - slopes.dot(&d)).abs() < 1e-14);
        assert!((f_gradient(&x) - slopes).norm() < 1e-14);
        let curvatures = x.map(|x| 18.0 + 18.0 * x) + Vector2::new(0.0, 2.0);
        assert!((f_hessian(&x) - Matrix2::from_diagonal(&curvatures)).norm() < 1e-13);

        let (value, (by_x, by_more)) = g_value_and_jacobian(0.7, &[1.0, 2.0]);
        assert_eq!(value, g(0.7, &[1.0, 2.0]));
        assert_eq!(by_x, DMatrix::from_column_slice(2, 1, &[-1.0, 3.0]));
        assert_eq!(by_more, DMatrix::zeros(2, 2));
    }
}

/// The size of a zero was asked for after the value that tells it had been moved into the result.
#[jvp(wrt(x))]
fn independent(x: &[f64], a: &DMatrix<f64>) -> DVector<f64> {
    let mut sum = DVector::from_element(3, 0.5);
    for _ in x {
        sum = a * sum;
    }
    sum
}

#[test]
fn zeros_of_the_size_of_what_is_returned() {
    let (x, a) = ([1.0, 2.0], DMatrix::from_fn(3, 3, |i, j| (i + j) as f64));
    let (value, tangent) = independent_jvp(&x, &a, &[1.0, 1.0]);
    assert_eq!(value, independent(&x, &a));
    assert_eq!(tangent, DVector::zeros(3));
}

#[test]
fn the_way_back_through_a_second_loop_comes_after_its_range() {
    #[gradient]
    fn f(x: &DMatrix<f64>) -> f64 {
        let mut total = 0.0;
        for c in x.column_iter() {
            total += c.sum();
        }
        for (c, d) in x.column_iter().zip(x.column_iter().skip(1)) {
            total += c.dot(&d);
        }
        total
    }
    expect!((&DMatrix::from_vec(1, 3, vec![1.0, 2.0, 3.0])) => DMatrix::from_vec(1, 3, vec![3.0, 5.0, 3.0]));
}

/// What an inner loop adds up for a value that several others are added to: each of these gets it beside its own total.
#[gradient]
#[allow(dead_code, reason = "known by its gradient only")]
fn sum_of_two_in_a_nested_loop(x: f64, t: f64, u: f64) -> f64 {
    let mut y = x;
    for _ in 0..3 {
        let sum = t + u;
        let twice = t + t;
        for _ in 0..2 {
            y *= sum * twice;
        }
    }
    y
}

#[test]
fn totals_of_inner_loops() {
    let (x, t, u) = (0.7_f64, 0.9_f64, 0.4_f64);
    // x ((t + u) 2t)⁶
    let (sum, twice) = (t + u, 2.0 * t);
    let power = (sum * twice).powi(5);
    let expected = (
        power * sum * twice,
        6.0 * x * power * (twice + 2.0 * sum),
        6.0 * x * power * twice,
    );
    let found = sum_of_two_in_a_nested_loop_gradient(x, t, u);
    for (found, expected) in [
        (found.0, expected.0),
        (found.1, expected.1),
        (found.2, expected.2),
    ] {
        assert!(
            (found - expected).abs() < 1e-12 * expected.abs(),
            "{found} is not {expected}"
        );
    }
}

/// What reads a vector before that changes is not moved before the statements that it depends on.
#[test]
#[allow(dead_code, reason = "they are known by their companions only")]
fn readers_stay_behind_statements() {
    #[gradient]
    fn branch(v: &DVector<f64>) -> f64 {
        let mut t = v * 2.0;
        t[0] = v[1];
        let mut k = 0;
        let mut u = t.clone();
        u[1] = 3.0;
        k += 1;
        let z = if v[0] > 0.0 {
            k += 1;
            t[k - 1] * t[k - 2]
        } else {
            0.0
        };
        k = 0;
        z + u[k] * u[k]
    }
    // t is (v₁, 2 v₁), u is (v₁, 3): 2 v₁² + v₁².
    let (value, gradient) = branch_value_and_gradient(&DVector::from_vec(vec![0.5, -0.75]));
    assert_eq!(value, 3.0 * 0.75 * 0.75);
    assert_eq!(gradient, DVector::from_vec(vec![0.0, 6.0 * -0.75]));

    #[hvp]
    fn counted(v: &DVector<f64>) -> f64 {
        let mut sum = 0.0;
        let mut k = 0;
        while k < 2 {
            let mut t = v.clone();
            let mut n = 0;
            while n < 3 {
                let w = &t - v;
                let mut i = 0;
                while i < 2 {
                    t += v;
                    i += 1;
                }
                sum += w[k] * v[k];
                n += 1;
            }
            k += 1;
        }
        sum
    }
    // w is 0, 2 v, 4 v.
    let (x, d) = (
        DVector::from_vec(vec![0.5, -1.0]),
        DVector::from_vec(vec![2.0, 1.0]),
    );
    assert_eq!(counted_hvp(&x, &d), (12.0 * x, 12.0 * d));
}

/// What was inverted before a loop is another matrix than what its iterations invert.
#[gradient]
#[allow(dead_code, reason = "known by its gradient only")]
fn inverses_before_and_in_a_loop(a: &Matrix2<f64>, b: &Matrix2<f64>) -> f64 {
    let mut s = match a.try_inverse() {
        Some(inverse) => inverse.trace(),
        None => 0.0,
    };
    if let Some(inverse) = b.try_inverse() {
        s += 2.0 * inverse.trace();
    }
    for _ in 0..2 {
        if let Some(inverse) = b.try_inverse() {
            s += inverse.trace() * 3.0;
        }
        if let Some(inverse) = a.try_inverse() {
            s += inverse.trace() * 5.0;
        }
        if let Some(inverse) = (a * b).try_inverse() {
            s += inverse.trace() * 7.0;
        }
    }
    s
}

#[test]
fn inverses_in_loops_are_their_own() {
    let (a, b) = (
        Matrix2::new(2.0, 0.5, -0.3, 1.5),
        Matrix2::new(0.7, -0.2, 0.4, 1.1),
    );
    let trace = |m: Matrix2<f64>| m.try_inverse().unwrap().trace();
    let (value, gradient) = inverses_before_and_in_a_loop_value_and_gradient(&a, &b);
    let expected = 11.0 * trace(a) + 8.0 * trace(b) + 14.0 * trace(a * b);
    assert!((value - expected).abs() < 1e-13 * expected.abs());
    // d tr(A⁻¹) is −tr(A⁻¹ dA A⁻¹), of which the gradient is −(A⁻²)ᵀ.
    let square = |m: Matrix2<f64>| -> Matrix2<f64> {
        let inverse = m.try_inverse().unwrap();
        -(inverse * inverse).transpose()
    };
    let both = square(a * b);
    let by_a = square(a) * 11.0 + both * b.transpose() * 14.0;
    let by_b = square(b) * 8.0 + a.transpose() * both * 14.0;
    assert!((gradient.0 - by_a).norm() < 1e-12);
    assert!((gradient.1 - by_b).norm() < 1e-12);
}

/// A vector that gets shorter with every iteration: the cotangent of what it was has the size that it had.
#[gradient]
#[hvp]
#[allow(dead_code, reason = "known by its companions only")]
fn shrinking(x: &DVector<f64>) -> f64 {
    let mut v = x.clone();
    let mut s = 0.0;
    while v.len() > 1 {
        let t = v.rows(1, v.len() - 1).into_owned();
        s += t.norm_squared() * v[0];
        v = t;
    }
    s
}

/// One that gets longer.
#[gradient]
#[allow(dead_code, reason = "known by its gradient only")]
fn lengthening(x: &Vector2<f64>) -> f64 {
    let mut v = DVector::from_column_slice(x.as_slice());
    for k in 0..2 {
        let mut longer = DVector::zeros(v.len() + 1);
        longer[0] = v[v.len() - 1] * v[k];
        longer.rows_mut(1, v.len()).copy_from(&v);
        v = longer;
    }
    v.sum()
}

#[test]
fn vectors_that_change_their_size_in_loops() {
    // x₀ (x₁² + x₂²) + x₁ x₂²
    let gradient = |x: &DVector<f64>| {
        nalgebra::dvector![
            x[1] * x[1] + x[2] * x[2],
            2.0 * x[0] * x[1] + x[2] * x[2],
            2.0 * (x[0] + x[1]) * x[2]
        ]
    };
    let (x, d) = (
        nalgebra::dvector![0.5, -2.0, 3.0],
        nalgebra::dvector![1.0, 0.25, -0.5],
    );
    assert_eq!(shrinking_gradient(&x), gradient(&x));
    let product = nalgebra::dvector![
        2.0 * (x[1] * d[1] + x[2] * d[2]),
        2.0 * (x[1] * d[0] + x[0] * d[1] + x[2] * d[2]),
        2.0 * (x[2] * (d[0] + d[1]) + (x[0] + x[1]) * d[2])
    ];
    assert_eq!(shrinking_hvp(&x, &d), (gradient(&x), product));
    // (a, b), (ab, a, b), (ab, ab, a, b): ab + ab + a + b
    assert_eq!(
        lengthening_gradient(&Vector2::new(3.0, 5.0)),
        Vector2::new(11.0, 7.0)
    );
}
