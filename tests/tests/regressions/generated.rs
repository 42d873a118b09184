//! What random programs found (`tests/generated`), each shrunk to what it takes.

#![allow(
    dead_code,
    clippy::ptr_arg,
    clippy::needless_range_loop,
    reason = "some functions are known by their companions only; written as random programs are"
)]

use super::oracle::{BY_DIFFERENCES, assert_same, difference, slope};
use nalgebra::{
    DMatrix, DVector, Matrix2, Matrix2x3, Matrix3x2, Vector2, Vector3, dmatrix, dvector, matrix,
    vector,
};
use nalgrad::{check, differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

#[track_caller]
fn assert_slope(got: f64, at: f64, f: impl Fn(f64) -> f64) {
    assert_same(
        "a derivative",
        difference(&got, &slope(at, f), BY_DIFFERENCES),
    );
}

/// The square of a product is needed under one condition, and under two: it was computed under two, and read as zero
/// where the first did not hold.
mod value_of_two_branches {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(s: f64) -> f64 {
        let a = 3.0 * s;
        let v = if s < 0.7 {
            Vector2::from_element(s)
        } else {
            Vector2::from_element(0.5)
        };
        if s < a {
            Vector3::new(a, s, -1.0).dot(&vector![s, a, v[0]]).powi(3)
        } else {
            s
        }
    }

    #[test]
    fn is_there_in_both() {
        for s in [1.1, 0.3, -0.4] {
            assert_slope(f_hessian(s), s, f_gradient);
            assert_slope(f_value_gradient_and_hessian(s).2, s, f_gradient);
        }
    }
}

/// The other side of a branch has no factorisation: a number stood for it.
mod factorisation_in_a_branch {
    use super::*;

    #[gradient]
    #[hessian]
    #[vjp]
    fn lu(s: f64, w: &DVector<f64>) -> f64 {
        if w.dot(w) > 2.0 {
            return 0.5 * s;
        }
        let m = dmatrix![0.5, 0.5; -0.5, s];
        m.lu().solve(w).unwrap().norm_squared()
    }

    #[gradient]
    #[vjp]
    fn cholesky(s: f64, t: f64) -> f64 {
        let root = if t < s {
            if t < 0.0 {
                t
            } else {
                matrix![s, 0.1; 0.1, t].cholesky().unwrap().ln_determinant()
            }
        } else {
            s
        };
        root * s
    }

    #[test]
    fn is_kept() {
        for w in [dvector![0.4, -0.3], dvector![1.4, -1.3]] {
            assert_slope(lu_gradient(0.8, &w).0, 0.8, |s| lu(s, &w));
            assert_slope(lu_hessian(0.8, &w).0.0, 0.8, |s| lu_gradient(s, &w).0);
            assert_slope(lu_vjp(0.8, &w).1(1.0).0, 0.8, |s| lu(s, &w));
        }
        for (s, t) in [(0.8, 0.5), (0.8, -0.5), (0.3, 0.5)] {
            assert_slope(cholesky_gradient(s, t).0, s, |s| cholesky(s, t));
            assert_slope(cholesky_vjp(s, t).1(1.0).1, t, |t| cholesky(s, t));
        }
    }
}

/// A size of a column follows from its entries: nalgebra wants none.
mod sizes_beside_entries {
    use super::*;

    #[jacobian]
    fn f(p: &DMatrix<f64>) -> f64 {
        p.norm_squared()
    }

    #[test]
    fn are_left_out() {
        let p = dmatrix![1.0, 2.0; 3.0, 4.0];
        assert_eq!(f_jacobian(&p), dmatrix![2.0, 6.0, 4.0, 8.0]);
    }
}

/// What was read before and after a map of columns was moved into it.
mod matrix_in_a_map_and_beside_it {
    use super::*;

    #[hessian]
    fn f(v: &DVector<f64>, list: &Vec<f64>) -> f64 {
        let x = dmatrix![0.5, 0.5, 0.5; 0.5, 0.5, list[2]] * DVector::from_element(3, v[1]);
        x.mean()
    }

    #[jacobian]
    fn g(q: DMatrix<f64>) -> DVector<f64> {
        let part = q.view((0, 0), (2, 2));
        let n: DVector<f64> = dvector![1.0, 0.7].scale(part[(0, 1)]);
        DVector::from_vec(vec![n[0], part[(0, 1)], 0.5])
    }

    #[test]
    fn stays() {
        let ((_, mixed), _) = f_hessian(&dvector![0.3, 0.4], &vec![0.1, 0.2, 0.7]);
        assert_eq!(mixed, dmatrix![0.0, 0.0, 0.0; 0.0, 0.0, 0.5]);
        let rows = dmatrix![0.0, 0.0, 1.0, 0.0; 0.0, 0.0, 1.0, 0.0; 0.0, 0.0, 0.0, 0.0];
        assert_eq!(g_jacobian(dmatrix![1.0, 2.0; 3.0, 4.0]), rows);
    }
}

/// The static rows of a dynamic Jacobian.
mod rows_of_another_type {
    use super::*;

    #[jacobian]
    fn f(x: &Vector3<f64>, n: usize) -> DVector<f64> {
        let t = if x[n] > 1.5 { 0.5 } else { x[n] };
        dvector![0.5, t, t]
    }

    #[test]
    fn are_converted() {
        let x = Vector3::new(0.1, 0.2, 1.7);
        let one = dmatrix![0.0, 0.0, 0.0; 0.0, 1.0, 0.0; 0.0, 1.0, 0.0];
        assert_eq!(f_jacobian(&x, 1), one);
        assert_eq!(f_jacobian(&x, 2), DMatrix::zeros(3, 3));
    }
}

/// Parts of a tuple without derivative were read after the branch that bound them.
mod inert_parts_of_a_side {
    use super::*;

    #[gradient(wrt(s))]
    #[hessian]
    fn f(w: &DVector<f64>, s: f64) -> f64 {
        let (t, v): (f64, DVector<f64>) = if w[0] < 0.25 {
            ((0..w.len()).map(|n| n as f64).sum::<f64>(), dvector![s, s])
        } else {
            (s, dvector![s, w[0]])
        };
        t * v.sum()
    }

    #[gradient(wrt(s))]
    #[hessian]
    fn bound_for_two_groups(a: f64, s: f64) -> f64 {
        let (t, u): (f64, f64) = if a < 0.5 {
            (
                DVector::from_element(2, a).dot(&DVector::from_fn(2, |_, _| a)),
                0.5,
            )
        } else {
            (s * s, a)
        };
        if 1.5 > t {
            return u;
        }
        t
    }

    #[jvp(wrt(s))]
    fn view(w: &Vector3<f64>, s: f64) -> f64 {
        let part = w.fixed_rows::<2>(0);
        let v: Vector2<f64> = if s > 1.0 {
            w.fixed_rows::<2>(1).into_owned()
        } else {
            part.into_owned()
        };
        v.norm_squared() * s
    }

    #[test]
    fn are_read_in_it() {
        for w in [dvector![0.1, 0.2], dvector![0.7, 0.2]] {
            assert_slope(f_gradient(&w, 0.3), 0.3, |s| f(&w, s));
            assert_slope(f_hessian(&w, 0.3), 0.3, |s| f_gradient(&w, s));
        }
        for (a, s) in [(0.3, 0.2), (0.7, 0.2), (0.7, 1.6)] {
            let (value, slope, curvature) = bound_for_two_groups_value_gradient_and_hessian(a, s);
            assert_eq!(value, bound_for_two_groups(a, s));
            assert_slope(slope, s, |s| bound_for_two_groups(a, s));
            assert_slope(curvature, s, |s| bound_for_two_groups_gradient(a, s));
        }
        for s in [0.4, 1.4] {
            let w = Vector3::new(0.1, 0.2, 1.7);
            assert_slope(view_jvp(&w, s, 1.0).1, s, |s| view(&w, s));
        }
    }
}

/// A variable without derivative that was computed of one with: an assignment to it was kept as it stands.
mod assignment_to_a_value {
    use super::*;

    #[jacobian]
    fn f(w: &DVector<f64>) -> DVector<f64> {
        let mut s = w.iter().map(|_| 0.5).sum::<f64>();
        s /= 2.0;
        w * s
    }

    #[test]
    fn is_followed() {
        assert_eq!(
            f_jacobian(&dvector![1.0, 2.0]),
            DMatrix::identity(2, 2) * 0.5
        );
    }
}

/// `from_fn` without a differentiated value was taken for a number.
mod inert_matrix_as_a_factor {
    use super::*;

    #[jvp(wrt(a))]
    fn f(a: f64) -> f64 {
        let x = Matrix2::from_row_slice(&[a, 1.0, a, a]) * Vector2::from_fn(|i, _| i as f64);
        x.norm_squared()
    }

    #[differentiable]
    fn sum(x: &Vector2<f64>) -> f64 {
        x.sum()
    }

    #[gradient]
    fn g(a: f64) -> f64 {
        sum(&(a * Vector2::from_fn(|i, j| (i + j) as f64))) + Matrix3x2::from_element(a).sum()
    }

    #[test]
    fn is_a_matrix() {
        assert_slope(f_jvp(0.3, 1.0).1, 0.3, f);
        assert_slope(g_gradient(0.3), 0.3, g);
    }
}

/// The number of rounds was a call, for which no derivative is known.
mod ranges_that_begin_later {
    use super::*;

    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let mut total = 0.0;
        for i in 1..x.len() {
            total += x[i] * x[i - 1];
        }
        total * (1..x.len()).map(|i| x[i].sin()).sum::<f64>()
    }

    #[test]
    fn are_counted() {
        let x = dvector![0.3, -0.4, 1.2];
        for i in 0..3 {
            let moved = |to: f64| {
                let mut x = x.clone();
                x[i] = to;
                x
            };
            assert_slope(f_gradient(&x)[i], x[i], |to| f(&moved(to)));
        }
    }
}

/// A view that a branch hands out was taken again in the pullback, where there is nothing to view.
mod view_in_a_branch {
    use super::*;

    #[vjp]
    fn f(d: &Vec<f64>) -> f64 {
        if d[1] > 0.5 {
            let v = d[1] * (DMatrix::from_element(3, 3, 0.5) / d[0]).column(2);
            v[0]
        } else {
            -1.0
        }
    }

    #[test]
    fn is_not_taken_on_the_other_side() {
        assert_eq!(f_vjp(&vec![-0.4, 0.3]).1(1.0), [0.0, 0.0]);
        assert_eq!(f_vjp(&vec![-0.5, 0.8]).1(1.0), [-0.5 * 0.8 / 0.25, -1.0]);
    }
}

/// The number of rounds of two lists was not bound yet.
mod lists_of_different_kinds {
    use super::*;

    #[gradient(wrt(data, q))]
    fn f(s: f64, data: &[f64; 2], q: &DMatrix<f64>) -> f64 {
        if data.iter().zip(q.iter()).map(|(_, _)| s).sum::<f64>() < s {
            return s;
        }
        s * data[0]
    }

    #[test]
    fn are_counted() {
        let (data, q) = f_gradient(0.5, &[0.3, 0.4], &dmatrix![1.0, 2.0]);
        assert_eq!((data, q), ([0.5, 0.0], dmatrix![0.0, 0.0]));
    }
}

/// What a pullback computes of values of one side was computed before it, whichever side was taken.
mod values_of_one_side {
    use super::*;

    #[vjp]
    fn f(a: f64) -> f64 {
        let b = if 0.5 > a {
            let quotients = DVector::from_element(2, a).component_div(&dvector![a * a, 3.0]);
            (DVector::from_element(2, 0.5).transpose() * quotients)[(0, 0)]
        } else {
            1.5
        };
        b * 2.0
    }

    #[test]
    fn are_read_there() {
        for a in [1.2, 0.3] {
            assert_slope(f_vjp(a).1(1.0), a, f);
        }
    }
}

/// What a branch within another hands out was moved before it was handed out, and was computed where its sizes were wrong.
mod handed_out_of_a_pullback {
    use super::*;

    #[differentiable]
    fn helper(t: f64) -> f64 {
        f64::max(
            1.0,
            if t > 1.5 {
                DMatrix::from_row_slice(2, 2, &[t, 1.5, t, -1.0])
                    .tr_mul(&(DMatrix::from_element(2, 2, t) * dvector![2.0, t]))
                    .dot(&dvector![t, 3.0])
            } else {
                0.75
            },
        )
    }

    #[gradient]
    #[hvp]
    fn f(t: f64) -> f64 {
        helper(t) * t
    }

    #[test]
    fn is_there() {
        for t in [0.5, 1.75, 2.5] {
            assert_slope(f_gradient(t), t, f);
            assert_slope(f_hvp(t, 1.0).1, t, f_gradient);
        }
    }
}

/// The sides of a branch have different sizes: those of derivatives were taken from the other one.
mod sides_of_two_sizes {
    use super::*;

    #[jacobian(wrt(x))]
    #[jvp]
    #[vjp]
    fn f(x: DVector<f64>, a: f64) -> DVector<f64> {
        if a > 0.5 {
            return x.clone();
        }
        dvector![a, x[0]]
    }

    #[gradient]
    #[jacobian]
    fn sum(x: &DVector<f64>) -> f64 {
        let (k, v): (f64, DVector<f64>) = if x[2] < 3.0 {
            (2.0, DVector::from_element(2, 0.5))
        } else {
            (3.0, x.clone())
        };
        v.sum() * k
    }

    #[gradient]
    #[hvp]
    fn product(p: DMatrix<f64>, t: f64) -> f64 {
        let (s, m): (f64, DMatrix<f64>) = if t > 0.75 {
            let of = |k: usize| if p[(1, k)] < t { -1.0 } else { t * t };
            (t, DMatrix::from_fn(3, 3, |k, _| of(k)))
        } else {
            (t, p.clone())
        };
        dvector![s, m[(1, 1)], 1.0].norm_squared()
    }

    #[test]
    fn have_derivatives_of_their_own_sizes() {
        let x = dvector![1.0, 2.0, 4.0];
        assert_eq!(f_jacobian(x.clone(), 1.0), DMatrix::identity(3, 3));
        let (value, jacobian) = f_value_and_jacobian(x.clone(), 0.25);
        assert_eq!(value, f(x.clone(), 0.25));
        assert_eq!(jacobian, dmatrix![0.0, 0.0, 0.0; 1.0, 0.0, 0.0]);
        let (_, pullback) = f_vjp(x.clone(), 0.25);
        assert_eq!(pullback(dvector![2.0, 3.0]), dvector![3.0, 0.0, 0.0]);
        let (_, pullback) = f_vjp(x.clone(), 1.0);
        assert_eq!(pullback(x.clone()), x);
        assert_eq!(sum_gradient(&x), dvector![3.0, 3.0, 3.0]);
        assert_eq!(sum_jacobian(&x), dmatrix![3.0, 3.0, 3.0]);
        assert_eq!(
            sum_value_and_jacobian(&(&x * 0.5)),
            (2.0, DMatrix::zeros(1, 3))
        );
    }

    #[test]
    fn do_not_meet_what_the_other_side_is_computed_from() {
        let p = |t: f64| DMatrix::from_fn(2, 3, |i, j| t * (1.5 + i as f64) - j as f64);
        for at in [0.5, 1.0] {
            let along = |t: f64| product(p(t), t);
            let (dp, dt) = product_gradient(p(at), at);
            let direction = p(2.0) - p(1.0);
            assert_slope(dp.dot(&direction) + dt, at, along);
            let ((first, _), (second, by_t)) = product_hvp(p(at), at, direction.clone(), 1.0);
            assert_eq!(first, dp);
            let slope_along = |t: f64| {
                let (dp, dt) = product_gradient(p(t), t);
                dp.dot(&direction) + dt
            };
            assert_slope(second.dot(&direction) + by_t, at, slope_along);
        }
    }
}

/// Entries of a matrix of one arm were read whichever arm was taken: of an empty one.
mod entries_of_one_arm {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(x: &[f64; 2], arm: usize) -> f64 {
        let w = DVector::from_fn(3, |_, _| x[0]);
        match arm {
            0 => DMatrix::from_row_slice(2, 2, &[0.5, w.norm(), x[1], x[1]])
                .add_scalar(0.5)
                .norm(),
            1 => x[0] * x[1],
            _ => 0.5,
        }
    }

    #[test]
    fn are_read_there() {
        for arm in 0..3 {
            let (x, y) = (0.75, -1.5);
            let (_, gradient, hessian) = f_value_gradient_and_hessian(&[x, y], arm);
            assert_slope(gradient[1], y, |y| f(&[x, y], arm));
            for k in 0..2 {
                assert_slope(hessian[(k, 0)], x, |x| f_gradient(&[x, y], arm)[k]);
                assert_slope(hessian[(k, 1)], y, |y| f_gradient(&[x, y], arm)[k]);
            }
        }
    }
}

/// The type of a product of literals is not known to a method call.
mod method_of_literals {
    use super::*;

    #[gradient]
    fn f(s: f64) -> f64 {
        f64::abs(1.0 * -0.25).max(0.0) * s
    }

    #[test]
    fn has_a_type() {
        assert_eq!(f_value_and_gradient(2.0), (0.5, 0.25));
    }
}

/// An expression in braces was taken for a number.
mod braces {
    use super::*;

    #[gradient]
    fn f(a: f64) -> f64 {
        let v: DVector<f64> = dmatrix![1.5, a; a, 0.5] * ({ DVector::<f64>::from_element(2, 2.0) });
        v.sum()
    }

    #[test]
    fn are_what_they_hold() {
        assert_eq!(f_value_and_gradient(2.0), (12.0, 4.0));
    }
}

/// What solves with a factorisation of one side was computed whichever side was taken.
mod solves_on_one_side {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(s: f64, t: f64) -> f64 {
        let (_, v): (f64, Vector2<f64>) = if 0.5 < s {
            let m = matrix![2.0, 0.5; 0.5, 1.0];
            let x = m.cholesky().unwrap().solve(&Vector2::new(t, t));
            (s, (s * t + 0.5) * x)
        } else {
            (s, Vector2::new(s, t))
        };
        v.norm_squared()
    }

    #[test]
    fn are_left_out_on_the_other() {
        for (s, t) in [(0.25, -1.5), (0.75, 2.0)] {
            let (_, gradient, hessian) = f_value_gradient_and_hessian(s, t);
            assert_slope(gradient.0, s, |s| f(s, t));
            assert_slope(gradient.1, t, |t| f(s, t));
            assert_slope(hessian.0.0, s, |s| f_gradient(s, t).0);
            assert_slope(hessian.1.0, s, |s| f_gradient(s, t).1);
            assert_slope(hessian.1.1, t, |t| f_gradient(s, t).1);
            assert_eq!(hessian, f_hessian(s, t));
        }
    }
}

/// What a loop keeps on one side of a branch is empty on the other, and was multiplied there.
mod products_of_records_of_one_side {
    use super::*;

    #[gradient]
    #[hvp]
    fn f(s: f64) -> f64 {
        let mut t = s;
        let mut v = DVector::from_vec(vec![1.0, s]);
        for i in 0..2 {
            if t <= v[i] {
                v[i] *= s;
                t -= s;
                v /= 2.5 + s;
            }
        }
        t * v[0] + v[1]
    }

    #[test]
    fn are_left_out_on_the_other() {
        for s in [-0.875, 0.5, 1.5] {
            assert_slope(f_hvp(s, 1.0).1, s, f_gradient);
        }
    }
}

/// The Jacobian is zero, of as many rows as the side taken has.
mod zero_of_the_size_of_a_side {
    use super::*;

    #[jacobian(wrt(w))]
    fn f(w: DVector<f64>, c: f64) -> DVector<f64> {
        if c > 0.5 {
            return DVector::from_element(3, 0.5);
        }
        w.map(|e| e.signum())
    }

    #[test]
    fn has_its_size() {
        let w = dvector![1.0];
        assert_eq!(f_jacobian(w.clone(), 1.0), DMatrix::zeros(3, 1));
        assert_eq!(f_jacobian(w, 0.0), DMatrix::zeros(1, 1));
    }
}

/// What a statement binds in one arm is empty in the others, and was multiplied there for a loop to keep.
mod records_of_what_an_arm_binds {
    use super::*;

    #[jacobian]
    fn f(a: f64) -> f64 {
        let mut v = DVector::from_element(2, 0.5);
        for n in 0..3 {
            match n {
                0 => {
                    let w = DVector::from_element(2, 0.25);
                    v += DVector::from_column_slice(&[a, a]).component_mul(&w);
                }
                _ => {}
            }
        }
        v[0]
    }

    #[test]
    fn are_kept_there() {
        assert_eq!(f_value_and_jacobian(2.0), (1.0, 0.25));
    }
}

/// A branch that gives a loop its first tangent was written together with one that reads what the loop gives: the loop ran
/// twice, the second time not at all.
mod loops_that_begin_with_a_branch {
    use super::*;

    #[gradient]
    #[hvp]
    fn f(t: f64) -> f64 {
        let m = if t < 0.5 {
            Matrix3x2::new(0.5, t, 0.5, 0.5, t, t)
        } else {
            Matrix3x2::from_element(t)
        };
        let mut y = m[(2, 1)];
        let mut k = 0;
        while k < 2 {
            y *= t;
            k += 1;
        }
        y
    }

    #[gradient]
    #[hvp]
    fn g(t: f64) -> f64 {
        let (a, b): (f64, f64) = if t < 0.25 { (t.sin(), t) } else { (t, t.exp()) };
        let mut y = Vector3::new(t, b, b).dot(&Vector3::new(t, a, t));
        let mut k = 0;
        while k < 2 {
            y = vector![y, t].sum().sin();
            k += 1;
        }
        y
    }

    #[test]
    fn run_once() {
        for t in [-0.875, 0.375, 0.75] {
            assert_slope(f_hvp(t, 1.0).1, t, f_gradient);
            assert_slope(g_hvp(t, 1.0).1, t, g_gradient);
        }
    }
}

/// A number divided by each entry, in a buffer of a loop: each entry was divided by the number.
mod numbers_over_buffers {
    use super::*;

    #[gradient(wrt(a))]
    fn f(v: &DVector<f64>, a: f64) -> f64 {
        let mut y = 1.0;
        let mut k = 0;
        while k < 2 {
            let mut s: f64 = 0.0;
            for i in 0..v.len() {
                s += -a * (a / (a.mul_add(v[i], 0.75) + a));
            }
            y /= s * s + 1.0;
            k += 1;
        }
        y
    }

    #[test]
    fn are_the_number_over_each_entry() {
        let v = dvector![-0.5, 0.25, 1.5];
        for a in [0.5, 1.25, 2.0] {
            assert_slope(f_gradient(&v, a), a, |a| f(&v, a));
        }
    }
}

/// What a branch handed out took the name of a variable that was still read.
mod names_that_branches_hand_out {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(s: f64, n: usize) -> f64 {
        let mut y: f64 = 0.125;
        for k in 0..n {
            match k {
                1 => {
                    y -= s;
                }
                _ => {}
            }
        }
        if 2.0 < y {
        } else {
            if s < 1.0 {
                y *= s;
            } else {
                let mut k = 0;
                while k < 2 {
                    y *= 3.0;
                    k += 1;
                }
            }
            y *= s;
        }
        y
    }

    #[test]
    fn are_new() {
        for (s, n) in [(-0.875, 3), (-3.5, 3), (0.5, 0), (1.5, 2)] {
            let (value, gradient, hessian) = f_value_gradient_and_hessian(s, n);
            assert_eq!(value, f(s, n));
            assert_slope(gradient, s, |s| f(s, n));
            assert_slope(hessian, s, |s| f_gradient(s, n));
        }
    }
}

/// A value that two branches need and that reads what only one side has was computed before both, of nothing.
mod values_that_two_branches_need {
    use super::*;

    #[gradient]
    #[hessian]
    fn factorised(s: f64, v: &Vector2<f64>, t: f64) -> f64 {
        let (_, w): (f64, Vector2<f64>) = if 0.5 < s {
            let rhs = Vector2::from_row_slice(&[t, t]);
            let identity = Matrix2::<f64>::identity();
            (
                s,
                t.mul_add(s, v[0]) * identity.cholesky().unwrap().solve(&rhs),
            )
        } else {
            (s, *v)
        };
        w.norm_squared()
    }

    #[gradient]
    #[hvp]
    fn multiplied(w: DVector<f64>) -> f64 {
        let mut m = DMatrix::from_element(2, 2, 0.5_f64);
        for n in 0..w.nrows() {
            if w.dot(&DVector::from_vec(vec![1.5, w[n]])) > 2.0 {
                let product = DMatrix::<f64>::identity(2, 2) * DMatrix::from_element(2, 2, w[1]);
                m += (w[1] - w[n]) * product;
            }
            m *= m[(1, 1)];
        }
        m[(1, 0)]
    }

    #[gradient]
    #[hvp]
    fn divided(t: f64) -> f64 {
        let (a, b): (f64, f64) = if 0.5 > t { (t, t) } else { (t, t.ln()) };
        let v = if a < 1.5 {
            DVector::from_element(3, 0.5_f64)
        } else {
            DVector::from_vec(vec![t, b, t]).component_div(&dvector![a, t, b])
        };
        v.sum()
    }

    #[test]
    fn are_computed_there() {
        let v = Vector2::new(0.75, 1.25);
        for (s, t) in [(-0.625, 0.5), (0.75, -0.875)] {
            let (value, gradient, hessian) = factorised_value_gradient_and_hessian(s, &v, t);
            assert_eq!(value, factorised(s, &v, t));
            assert_slope(gradient.0, s, |s| factorised(s, &v, t));
            assert_slope(gradient.2, t, |t| factorised(s, &v, t));
            assert_slope(hessian.0.0, s, |s| factorised_gradient(s, &v, t).0);
            assert_slope(hessian.0.2, t, |t| factorised_gradient(s, &v, t).0);
            assert_slope(hessian.2.2, t, |t| factorised_gradient(s, &v, t).2);
            assert_slope(hessian.1.2[0], t, |t| factorised_gradient(s, &v, t).1[0]);
        }
        for w in [dvector![0.75, 0.25], dvector![1.25, 0.875]] {
            let along = dvector![1.0, -0.5];
            let moved = |t: f64| multiplied_gradient(&w + &along * t);
            let product = multiplied_hvp(w.clone(), along.clone()).1;
            assert_slope(product[0], 0.0, |t| moved(t)[0]);
            assert_slope(product[1], 0.0, |t| moved(t)[1]);
        }
        for t in [-0.5, 1.125, 1.75] {
            assert_slope(divided_hvp(t, 1.0).1, t, divided_gradient);
        }
    }
}

/// A variable that a loop assigns to itself had no name where a statement of the loop reads it.
mod variables_that_stay {
    #![allow(clippy::self_assignment, reason = "as random programs do")]

    use super::*;

    #[hvp]
    #[jvp]
    fn f(t: f64, m: Matrix2<f64>) -> f64 {
        let mut p = m;
        let mut count = 0.0;
        for i in 0..p.nrows() {
            p = p;
            let mut k = 0;
            while k < 3 && p[(i, 0)] < 1.0 {
                k += 1;
                count += 1.0;
            }
        }
        t * count
    }

    #[test]
    fn keep_their_names() {
        let m = Matrix2::new(0.5, 0.0, 2.0, 0.0);
        let (value, tangent) = f_jvp(2.0, m, 1.0, Matrix2::zeros());
        assert_eq!((value, tangent), (f(2.0, m), 3.0));
        assert_eq!(
            f_hvp(2.0, m, 1.0, Matrix2::zeros()).0,
            (3.0, Matrix2::zeros())
        );
    }
}

/// A number that is added to all entries of a gradient became one entry of a row.
mod rows_of_gradients {
    use super::*;

    #[jacobian(mode = reverse)]
    fn f(v: &DVector<f64>) -> Vector2<f64> {
        Vector2::new(0.5, 0.25) * (v.sum() - 3.0 * v[0])
    }

    #[test]
    fn are_whole() {
        let expected = dmatrix![-1.0, 0.5, 0.5; -0.5, 0.25, 0.25];
        assert_eq!(f_jacobian(&dvector![1.0, 2.0, 4.0]), expected);
        assert_eq!(f_jacobian(&dvector![1.0]), dmatrix![-1.0; -0.5]);
    }
}

/// What a loop keeps divided by what only one side of a branch has: zero divided by zero on the other.
mod records_of_one_side {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(v: &DVector<f64>) -> f64 {
        let m = DMatrix::from_row_slice(2, 2, &[0.5, 0.75, v[1], -0.5]);
        let mut s = DVector::from_vec(vec![0.5_f64, 0.5]).dot(v);
        for n in 0..4 {
            match n {
                0 => {}
                1 => {
                    s *= m[(n, 0)];
                }
                _ => {
                    s /= f64::cos(s);
                }
            }
        }
        s
    }

    #[test]
    fn have_derivatives() {
        let v = dvector![0.75, 0.5];
        let hessian = f_hessian(&v);
        for i in 0..2 {
            let along = DVector::from_fn(2, |k, _| f64::from(u8::from(k == i)));
            for j in 0..2 {
                assert_slope(hessian[(i, j)], 0.0, |t| f_gradient(&(&v + &along * t))[j]);
            }
        }
    }
}

/// The rows of a matrix were counted as its entries, of which there are more.
mod lengths_of_products {
    use super::*;

    #[gradient]
    fn f(m: &DMatrix<f64>) -> f64 {
        let w = m * DVector::<f64>::from_element(2, 0.5);
        m.iter().zip(w.iter()).map(|(a, b)| *a * *b).sum::<f64>()
    }

    #[test]
    fn are_those_of_rows() {
        let m = dmatrix![0.5, 1.5; -0.25, 0.75; 2.0, 1.0];
        let gradient = f_gradient(&m);
        for k in 0..6 {
            let moved = |t: f64| {
                let mut m = m.clone();
                m[k] += t;
                f(&m)
            };
            assert_slope(gradient[k], 0.0, moved);
        }
    }
}

/// What two branches and a value outside of them need comes out of a branch before all of these.
mod values_that_branches_wait_for {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(list: &[f64; 2], n: usize) -> f64 {
        let w = DVector::from_fn(3, |_, _| list[0]);
        match n {
            0 => DMatrix::from_row_slice(2, 2, &[list[0].powi(4), w[2 - n], list[0], list[1]])
                .add_scalar(0.5)
                .norm(),
            _ => 0.5_f64,
        }
    }

    #[test]
    fn come_first() {
        let list = [0.75, -0.25];
        for n in [0, 1] {
            let (value, gradient, hessian) = f_value_gradient_and_hessian(&list, n);
            assert_eq!(value, f(&list, n));
            for i in 0..2 {
                let moved = |t: f64| [0, 1].map(|k| list[k] + if k == i { t } else { 0.0 });
                assert_slope(gradient[i], 0.0, |t| f(&moved(t), n));
                for j in 0..2 {
                    assert_slope(hessian[(i, j)], 0.0, |t| f_gradient(&moved(t), n)[j]);
                }
            }
        }
    }
}

/// What a branch gives in two places, one of which the other waits for, was factorised also where it cannot be.
mod factorisations_of_one_side {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(s: f64, w: &Vector2<f64>) -> f64 {
        let v = if w[0] < s {
            let x = matrix![s, w[0]; w[0], s].cholesky().unwrap().solve(w);
            x[0]
        } else {
            s
        };
        v + s * w[1]
    }

    #[test]
    fn are_left_out_on_the_other() {
        for (s, w) in [(1.25, [0.5, -0.75]), (0.25, [0.5, -0.75])] {
            let at = |t: f64, i: usize| {
                let mut x = [s, w[0], w[1]];
                x[i] += t;
                (x[0], Vector2::new(x[1], x[2]))
            };
            let flat = |(s, w): (f64, Vector2<f64>)| [s, w[0], w[1]];
            let w = Vector2::from(w);
            let (value, gradient, hessian) = f_value_gradient_and_hessian(s, &w);
            assert_eq!(value, f(s, &w));
            let mixed = [hessian.0.0, hessian.0.1[0], hessian.0.1[1]];
            for i in 0..3 {
                let value = |t: f64| {
                    let (s, w) = at(t, i);
                    f(s, &w)
                };
                let slope_of_s = |t: f64| {
                    let (s, w) = at(t, i);
                    f_gradient(s, &w).0
                };
                assert_slope(flat(gradient)[i], 0.0, value);
                assert_slope(mixed[i], 0.0, slope_of_s);
            }
        }
    }
}

/// The name of what a statement binds on one side was read before that.
mod sizes_bound_on_one_side {
    use super::*;

    #[gradient]
    #[hvp]
    fn f(x: &Vector3<f64>, t: f64) -> f64 {
        if x[0] < 0.25 {
            return 0.25;
        }
        let mut m = DMatrix::from_row_slice(2, 2, &[t, t, t, t]);
        for n in 0..m.nrows() {
            m[(n, 0)] *= t;
        }
        m[(0, 0)]
    }

    #[test]
    fn are_handed_out() {
        for x in [Vector3::zeros(), Vector3::repeat(0.5)] {
            let along = f_hvp(&x, 1.5, &Vector3::zeros(), 1.0).1.1;
            assert_slope(along, 1.5, |t| f_gradient(&x, t).1);
        }
    }
}

/// What a factorisation of one side gives was read before the branch that hands it out.
mod solutions_of_one_side {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(s: f64, v: &Vector2<f64>, t: f64) -> f64 {
        let (a, w): (f64, Vector2<f64>) = if 0.5 < s {
            let rhs = Vector2::from_row_slice(&[t, t]);
            let m = matrix![s, t; t, s];
            (
                v[0],
                t.mul_add(s, v[0]) * (m * m.transpose()).cholesky().unwrap().solve(&rhs),
            )
        } else {
            (s.min(1.0), v.clone_owned())
        };
        w.norm_squared() * 0.75 + a * t
    }

    #[test]
    fn are_read_after_it() {
        let v = Vector2::new(0.75, 1.25);
        for (s, t) in [(-0.625, 0.625), (0.875, -0.25)] {
            let (value, gradient, hessian) = f_value_gradient_and_hessian(s, &v, t);
            assert_eq!(value, f(s, &v, t));
            assert_slope(gradient.0, s, |s| f(s, &v, t));
            assert_slope(gradient.2, t, |t| f(s, &v, t));
            assert_slope(hessian.0.0, s, |s| f_gradient(s, &v, t).0);
            assert_slope(hessian.0.2, t, |t| f_gradient(s, &v, t).0);
            assert_slope(hessian.2.2, t, |t| f_gradient(s, &v, t).2);
        }
    }
}

/// What is kept of a side was computed of a matrix that the other side does not have.
mod kept_of_one_side {
    use super::*;

    #[gradient]
    fn f(w: &DVector<f64>, a: f64, x: f64) -> f64 {
        let mut b = a;
        for _ in 0..w.len() {
            if x > -1.0 {
                continue;
            }
            let entries = [2.0, -1.0, a, b, b, 0.1, a, a, b];
            let m = DMatrix::from_row_slice(3, 3, &entries) + DMatrix::from_element(3, 3, a);
            b += m.norm_squared();
        }
        b
    }

    #[test]
    fn is_not_read_on_the_other() {
        let w = DVector::zeros(1);
        for x in [0.5, -1.5] {
            assert_slope(f_gradient(&w, 0.75, x).1, 0.75, |a| f(&w, a, x));
        }
    }

    #[gradient(wrt(t))]
    #[hessian]
    fn nested(t: f64, least: f64, n: usize) -> f64 {
        let mut a = t;
        for k in 0..n {
            if least > t {
                continue;
            }
            match k {
                0 => a += dvector![t, t, t].dot(&DVector::from_column_slice(&[0.1, t, t])),
                _ => a = t,
            }
        }
        a
    }

    #[test]
    fn is_not_read_on_the_other_of_a_branch_in_a_branch() {
        for (least, n) in [(1.0, 2), (0.0, 1), (0.0, 2)] {
            let (value, gradient, hessian) = nested_value_gradient_and_hessian(0.5, least, n);
            assert_eq!(value, nested(0.5, least, n));
            assert_slope(gradient, 0.5, |t| nested(t, least, n));
            assert_slope(hessian, 0.5, |t| nested_gradient(t, least, n));
        }
    }
}

/// What is returned first was moved by a statement that the second part needs.
mod read_in_the_result {
    use super::*;

    #[differentiable]
    fn helper(v: &DVector<f64>) -> f64 {
        let m = DMatrix::from_row_slice(2, 2, &[2.5, 0.5, v[2], 1.5]);
        let rhs = DVector::from_fn(2, |i, _| v[i]);
        let x: DVector<f64> = m.cholesky().unwrap().solve(&rhs);
        x.sum()
    }

    #[jvp]
    fn f(v: &DVector<f64>) -> f64 {
        helper(v) * v[0]
    }

    #[test]
    fn is_still_there() {
        let (v, dv) = (dvector![0.5, -1.5, 0.25], dvector![1.0, 0.5, -0.75]);
        assert_slope(f_jvp(&v, &dv).1, 0.0, |t| f(&(&v + &dv * t)));
    }
}

/// A Hessian read what one branch gives inside of another on the same condition, on the side that is not taken.
mod hessians_in_branches {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(x: &DVector<f64>, w: &Vector3<f64>) -> f64 {
        let m = if w[1] < -0.5 {
            DMatrix::from_row_slice(1, 2, &[w[2], 0.5]).abs()
        } else {
            DMatrix::from_element(1, 2, 2.0) * dmatrix![0.5, x[1]; w.x, 0.5]
        };
        m.norm_squared()
    }

    #[gradient]
    #[hessian]
    fn g(x: &DVector<f64>, w: &Vector3<f64>) -> f64 {
        let m: DMatrix<f64> = if w[2] < -0.5 {
            DMatrix::from_element(2, 2, x[0]).tr_mul(&dmatrix![x[0], w[2]; w[1], 0.1])
        } else {
            dmatrix![w[1], 3.0; w[1], w[0]]
        };
        m.norm_squared()
    }

    #[test]
    fn read_the_side_that_is_taken() {
        for w in [vector![0.3, -0.9, -0.8], vector![0.3, 0.4, 0.7]] {
            let x = dvector![0.6, -1.1];
            type Gradient = fn(&DVector<f64>, &Vector3<f64>) -> (DVector<f64>, Vector3<f64>);
            let all: [(Gradient, _); 2] = [
                (f_gradient, f_hessian(&x, &w)),
                (g_gradient, g_hessian(&x, &w)),
            ];
            for (gradient, ((xx, xw), (wx, ww))) in all {
                assert_eq!(wx, xw.transpose());
                for i in 0..2 {
                    let moved = |t: f64| x.map_with_location(|k, _, e| if k == i { t } else { e });
                    assert_slope(xx[(0, i)], x[i], |t| gradient(&moved(t), &w).0[0]);
                    assert_slope(wx[(1, i)], x[i], |t| gradient(&moved(t), &w).1[1]);
                }
                let moved = |t: f64| vector![w[0], t, w[2]];
                assert_slope(ww[(0, 1)], w[1], |t| gradient(&x, &moved(t)).1[0]);
                assert_slope(ww[(1, 1)], w[1], |t| gradient(&x, &moved(t)).1[1]);
            }
        }
    }
}

/// What is added at an entry had been computed, and was read once more after what it is made of had changed.
mod entries_added_twice {
    use super::*;

    #[gradient(wrt(x))]
    #[jacobian]
    #[hvp]
    fn f(i: usize, x: &Vector3<f64>) -> f64 {
        let mut v = *x;
        let mut n = 0;
        while n < 3 {
            v[n] += Vector3::new(0.5, v[i], x[i]).sum();
            v -= x;
            n += 1;
        }
        v[2]
    }

    #[test]
    fn are_read_as_they_were() {
        let x = vector![0.5, -1.25, 0.75];
        for i in 0..3 {
            let jacobian = f_jacobian(i, &x);
            assert_eq!(jacobian.transpose(), f_gradient(i, &x));
            for k in 0..3 {
                let moved = |t: f64| x.map_with_location(|r, _, e| if r == k { t } else { e });
                assert_slope(jacobian[k], x[k], |t| f(i, &moved(t)));
            }
        }
    }
}

/// What two branches read of a matrix of one side was computed before the condition was asked.
mod entries_of_one_side {
    use super::*;

    #[gradient]
    #[hessian]
    fn f(s: f64, data: &[f64], t: f64) -> f64 {
        let a = data[1].max(0.0);
        if t > s {
            return (DVector::from_column_slice(&[s, -0.5, t])
                - DVector::from_column_slice(&[t, s, 0.5]))
            .dot(&(dvector![s, s, 0.5] - dvector![data[0], a, data[1]]));
        }
        a
    }

    #[test]
    fn are_read_on_it() {
        let data = [0.5, 1.25];
        for t in [-1.0, 2.0] {
            let (value, gradient, hessian) = f_value_gradient_and_hessian(0.75, &data, t);
            assert_eq!(value, f(0.75, &data, t));
            assert_slope(gradient.0, 0.75, |s| f(s, &data, t));
            assert_slope(gradient.1[1], 1.25, |d| f(0.75, &[0.5, d], t));
            assert_slope(hessian.0.1[1], 1.25, |d| f_gradient(0.75, &[0.5, d], t).0);
        }
    }
}

/// A method was called on what a branch gives whose sides are both literals, so that nothing told their type.
#[vjp]
fn method_of_a_choice_of_literals(x: f64) -> f64 {
    x - f64::to_radians(if x > 0.5 { 90.0 } else { 180.0 })
}

#[test]
fn choices_of_literals_have_a_type() {
    let (value, pullback) = method_of_a_choice_of_literals_vjp(0.7);
    assert_eq!(value, 0.7 - std::f64::consts::FRAC_PI_2);
    assert_eq!(pullback(2.0), 2.0);
}

/// The header of a loop that is gone through for its effects only read a field that the loop changes.
#[hvp]
fn counted_by_a_field(x: &Vector3<f64>, seen: &std::cell::Cell<usize>) -> f64 {
    struct Held {
        it: Vector3<f64>,
    }
    let mut held = Held { it: *x };
    for k in 0..held.it.len() {
        seen.set(seen.get() + k);
        held.it += x;
    }
    x.norm_squared()
}

#[test]
fn loops_of_effects_count_as_the_function_does() {
    let (x, seen) = (Vector3::new(0.5, 1.0, 2.0), std::cell::Cell::new(0));
    let (gradient, product) = counted_by_a_field_hvp(&x, &seen, &Vector3::x());
    assert_eq!((gradient, product), (2.0 * x, 2.0 * Vector3::x()));
    assert_eq!(seen.get(), 3);
}

/// On the way back a size is read of what has that shape there, and is not carried.
#[hvp]
fn size_of_what_is_carried(x: &DVector<f64>) -> f64 {
    let mut sum = x.clone();
    for _ in 0..2 {
        for _ in 0..sum.nrows() {
            let s = sum.iter().map(|_| 0.1_f64).sum::<f64>();
            let mut n = 0;
            while n < 2 {
                sum += DMatrix::from_row_slice(2, 2, &[s, 0.5, 0.5, s]) * x;
                n += 1;
            }
        }
    }
    sum.norm_squared()
}

#[test]
fn sizes_on_the_way_back() {
    let (x, d) = (
        DVector::from_vec(vec![0.5, -1.0]),
        DVector::from_vec(vec![2.0, 1.0]),
    );
    // The sum is A x with A = I + 8 [[0.2, 0.5], [0.5, 0.2]].
    let a = DMatrix::from_row_slice(2, 2, &[2.6, 4.0, 4.0, 2.6]);
    let (gradient, product) = size_of_what_is_carried_hvp(&x, &d);
    assert!((gradient - 2.0 * a.tr_mul(&(&a * &x))).norm() < 1e-13);
    assert!((product - 2.0 * a.tr_mul(&(&a * &d))).norm() < 1e-13);
}

/// What a branch in the closure of a map of columns reads, and what does not depend on the column, is computed before.
#[hessian(wrt(v))]
fn branch_in_a_map(t: f64, v: &DVector<f64>) -> f64 {
    let mut s = t;
    for i in 0..v.len() {
        s /= v[i];
    }
    let m = if v[0] < 0.7 {
        let a: f64 = (DMatrix::from_row_slice(2, 2, &[t, s, v[0], s]) / (1.0 + s * s))
            .tr_mul(v)
            .dot(v);
        DMatrix::from_row_slice(2, 2, &[t, a, a, s])
    } else {
        DMatrix::from_row_slice(2, 2, &[t, s, s, s])
    };
    (DMatrix::from_element(2, 2, 0.5) * m).sum()
}

#[test]
fn branches_in_maps_of_columns() {
    for x in [[0.5, -1.0], [0.9, 2.0]] {
        let x = DVector::from_row_slice(&x);
        let value = |x: &DVector<f64>| branch_in_a_map(1.3, x);
        let gradient = |x: &DVector<f64>| branch_in_a_map_value_gradient_and_hessian(1.3, x).1;
        check::gradient(value, &x, &gradient(&x)).unwrap();
        check::jacobian(gradient, &x, &branch_in_a_map_hessian(1.3, &x)).unwrap();
    }
}

/// What the entries of a gradient are added from is read there, and not once more before it changes.
#[hessian(wrt(p))]
fn read_by_entries(k: usize, p: &Matrix2x3<f64>) -> f64 {
    let v = Vector3::from_fn(|_, j| p[(j, k)]).map(|e| e.clamp(-0.8, 1.2) * e);
    v.x + v.dot(&v)
}

#[test]
fn entries_that_a_gradient_is_added_from() {
    let p = Matrix2x3::new(0.3, 0.7, -0.2, 0.1, 0.5, 0.9);
    // s² + 3 s⁴ of one entry, which is the third of all.
    let s: f64 = 0.7;
    let (value, gradient, hessian) = read_by_entries_value_gradient_and_hessian(1, &p);
    assert_slope(value - (s * s + 3.0 * s.powi(4)) + gradient[2], s, |s| {
        s * s + 3.0 * s.powi(4)
    });
    for hessian in [hessian, read_by_entries_hessian(1, &p)] {
        let expected = 2.0 + 36.0 * s * s;
        assert!((hessian[(2, 2)] - expected).abs() < 1e-13 * expected);
        assert!((hessian.sum() - hessian[(2, 2)]).abs() == 0.0);
    }
}

/// The sum of the rows of a matrix that only one side computes has the columns of that matrix on the other side too,
/// where nobody knows how many rows there would be.
#[hessian]
fn sum_of_rows_of_one_side(v: &DVector<f64>) -> f64 {
    if v[1] > 0.5 {
        let a = (1..v.len()).map(|k| v[k].max(v[1])).sum::<f64>();
        DVector::from_vec(vec![a, 2.0]).dot(v)
    } else {
        0.5
    }
}

#[test]
fn sums_of_rows_of_one_side() {
    let hessian = |x: f64| sum_of_rows_of_one_side_hessian(&dvector![0.3, x]);
    // v₁ v₀ + 2 v₁
    assert_eq!(hessian(0.75), dmatrix![0.0, 1.0; 1.0, 0.0]);
    assert_eq!(hessian(0.25), DMatrix::zeros(2, 2));
}
