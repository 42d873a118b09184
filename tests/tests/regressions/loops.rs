//! Loops: what they carry, keep and change, among each other and in branches.

use crate::oracle::panic_message;
use nalgebra::{DVector, Vector2, Vector3};
use nalgrad::{gradient, hessian};

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
