//! What is on one side of a branch, or in a loop: values, calls and the statements beside them, in all derivatives.

#![allow(
    dead_code,
    unused_mut,
    clippy::collapsible_if,
    clippy::needless_range_loop,
    clippy::needless_return,
    clippy::op_ref,
    clippy::redundant_clone,
    clippy::unnecessary_to_owned,
    reason = "written as programs are that made companions which rustc refused, or which panicked"
)]

#[macro_use]
#[path = "common/six.rs"]
mod six;
mod common;

use common::{assert_close, slope};
use nalgebra::{
    DMatrix, DVector, Matrix3, RowDVector, RowVector2, Vector2, Vector3, Vector6, dmatrix, dvector,
    matrix, vector,
};
use nalgrad::{differentiable, gradient, hessian, hvp, jvp, vjp};
use std::cell::Cell;

const POINTS: [Vector6<f64>; 3] = [
    Vector6::new(0.8, -1.3, 0.6, 1.1, 0.4, -0.7),
    Vector6::new(-0.6, 0.9, 1.7, -0.2, 0.5, 1.2),
    Vector6::new(1.6, 0.3, -0.9, 0.7, -1.1, 0.2),
];

#[differentiable]
fn power(x: f64, k: usize) -> f64 {
    x.powi(3) * k as f64
}

#[differentiable]
fn weighted(w: &DVector<f64>, by: DVector<f64>, table: &Matrix3<f64>) -> f64 {
    (table * w).dot(&by) + w.norm_squared()
}

#[differentiable]
fn spread(s: f64, t: f64) -> DVector<f64> {
    dvector![s.sin() * t, s * s]
}

/// Derivatives of the call read what was bound beside it.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn local_argument(x: &Vector6<f64>) -> f64 {
    let y = if x[1] > 0.0 {
        let k = x.len() * 2;
        power(x[0], k)
    } else {
        x[1]
    };
    Vector2::new(y, 1.0).norm_squared() * x[1]
}

/// What is moved into a call, and what is lent to it for its time only, is there for its derivatives.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn temporary_arguments(x: &Vector6<f64>) -> f64 {
    let w = dvector![x[0], x[1], x[2]];
    let fixed = dvector![0.5, -0.3, 0.8];
    if x[3] > 0.5 {
        weighted(&w, fixed.clone(), &Matrix3::identity()) * x[4]
    } else {
        weighted(&w, dvector![x[4], x[5], 1.0], &Matrix3::new_scaling(0.3)) * x[0]
    }
}

/// The same in a loop, where they differ from one iteration to the next.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn temporary_arguments_of_iterations(x: &Vector6<f64>) -> f64 {
    let mut w = dvector![x[0], x[1], x[2]];
    let mut fixed = dvector![0.5, -0.3, 0.8];
    let mut total = 0.0;
    for k in 0..3 {
        total += weighted(&w, fixed.clone(), &(Matrix3::identity() * 0.5)) * x[3 + k];
        w *= x[k];
        fixed[k] += 0.25;
    }
    total
}

/// The type of what a call returns is told, in a loop that adds it up.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn added_up(x: &Vector6<f64>) -> f64 {
    let mut sum = DVector::from_element(2, 0.5);
    for k in 0..x.len() {
        let v: DVector<f64> = spread(x[k], x[0]);
        sum += &v;
    }
    sum.norm_squared()
}

/// A factorisation that is there on one side only.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn factorised(x: &Vector6<f64>) -> f64 {
    let w = if x[3] > 0.5 {
        let m = dmatrix![2.0 + x[0] * x[0], x[1]; x[1], 3.0 + x[2]];
        m.cholesky().unwrap().solve(&dvector![x[4], x[5]])
    } else {
        dvector![x[3], x[1]]
    };
    let m = if x[0] > 0.0 {
        dmatrix![x[2], w[1]; x[5], w[0]]
    } else {
        DMatrix::identity(2, 2)
    };
    (m * w).sum()
}

/// A condition of one side reads what was computed there.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn left_early(x: &Vector6<f64>) -> f64 {
    let mut p = RowVector2::new(x[0], x[1]);
    for i in 0..x.len() {
        if x[i] > 1.4 {
            continue;
        }
        p = (1..x.nrows()).map(|k| x[k] * 0.4).sum::<f64>() * &p;
        if p[1] > 0.3 {
            break;
        }
    }
    p[0] * x[3] + p[1]
}

/// A loop is left on one side of a branch, for what was computed there.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn left_on_a_side(x: &Vector6<f64>) -> f64 {
    let mut s = x[0];
    for i in 0..x.len() {
        match i {
            0 => s *= x[1],
            1 | 3 => {
                let mut a = x[2];
                a -= x[i];
                if s > 1.5 * a {
                    break;
                }
            }
            _ => {
                if s < x[5] {
                    s += x[i] * x[4];
                    if x[i] * s > 0.45 {
                        continue;
                    }
                }
            }
        }
        s *= x[3] + 0.5;
    }
    s
}

/// An entry that is there only where the iteration has not been left.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn entries_ahead(x: &Vector6<f64>) -> f64 {
    let mut loss = 0.0;
    for i in 0..x.len() {
        if i % 2 == 0 {
            if i > 3 {
                continue;
            }
        }
        if i == 5 {
            continue;
        }
        loss += if x[i] > 0.5 {
            x[i].sin() * x[i + 1]
        } else {
            x[i].powi(3) + x[i + 1]
        };
    }
    loss
}

/// The same with a match on two conditions at once.
#[gradient]
#[hvp]
fn matched_ahead(x: &Vector6<f64>) -> f64 {
    let mut loss = 0.0;
    for i in 0..x.len() {
        if i == 5 {
            continue;
        }
        let r = x[i] * x[0];
        loss += match (i, r.abs() > 0.6) {
            (0, true) => r.sin(),
            (_, false) => r * r,
            (_, true) => r.powi(3),
        };
    }
    loss
}

/// A deviation is read on both sides of what follows.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn variance(x: &Vector6<f64>) -> f64 {
    let t = if x[3] < 0.5 {
        x[3]
    } else {
        matrix![x[3], 0.1, x[0]; x[1], x[3], x[2]; x[3], x[4], x[3]].variance()
    };
    let mut s = x[1];
    s *= Vector3::new(s, t, s).sum();
    s
}

/// How many there are is known on one side.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn counted(x: &Vector6<f64>) -> f64 {
    let w = dvector![x[0], x[1], x[2], x[3]];
    if x[4] > 0.45 {
        let k = w.len().min(3).saturating_sub(1);
        return w.iter().zip(x.iter()).map(|(a, b)| a * b).sum::<f64>()
            + w.rows(0, k).norm_squared() * w[k];
    }
    0.5 * x[4] * x[5]
}

/// A loop on one side counts in a variable of that side.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn counts_on_a_side(x: &Vector6<f64>) -> f64 {
    let mut s = x[0];
    let mut v = vector![x[1], x[2], x[3]];
    for i in 0..3 {
        match i {
            0 => {}
            1 => s *= x[4],
            _ => {
                let mut n = 0;
                while n < 2 {
                    v[i] -= s;
                    s *= v[n];
                    n += 1;
                }
            }
        }
    }
    s + v.sum() * x[5]
}

/// A row of what a scalar product of one side gives.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn row_of_one_side(x: &Vector6<f64>) -> f64 {
    let w = dvector![x[0], x[1], x[2]];
    let v = w.clone();
    let q = if x[3] < 0.5 {
        w.add_scalar(3.0).dot(&w)
    } else {
        v[1]
    };
    RowDVector::from_vec(vec![q, q, -1.0])
        .transpose()
        .norm_squared()
        * x[4]
}

/// A matrix of one side and one of the other, under one more condition.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn matrices_of_sides(x: &Vector6<f64>) -> f64 {
    let mut s = if x[1] > -0.5 {
        let p = if x[0] < 0.9 {
            DMatrix::from_element(2, 3, x[2]) - DMatrix::from_element(2, 3, x[1])
        } else {
            DMatrix::from_row_slice(2, 3, &[3.0, 0.5, 1.5, x[2], x[1], x[0]])
        };
        p[(0, 0)] * p[(1, 2)]
    } else {
        0.1 * x[5]
    };
    s /= 1.0 + s.abs();
    let m = dmatrix![0.5, x[3]; 1.5, s; s, x[4]];
    m[(1, 1)] * m[(2, 0)] + m[(0, 1)]
}

struct Held {
    it: DVector<f64>,
}

/// The fields of a struct in what stays as it stands, and in the header of a loop.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn fields_that_stay(x: &Vector6<f64>) -> f64 {
    let mut held = Held {
        it: dvector![x[0], x[1], 2.0],
    };
    let n = held.it.len();
    let mut total = 0.0;
    for i in 0..held.it.len() {
        assert!(i < n);
        held.it *= x[i];
        total += held.it[i];
    }
    total
}

/// An entry is assigned to between what the branch reads of the vector and what it gives.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn assigned_before_the_choice(x: &Vector6<f64>) -> f64 {
    let v = dvector![x[0], x[1], x[2]];
    let mut w = v.map(|t| t.asinh());
    let mut s = w[1];
    for _ in 0..v.len() {
        w = &v * x[3];
    }
    let mut t = s;
    t += w[0];
    w[1] = 0.5;
    if 0.7 >= t {
        s *= v[0];
    }
    s * t * -0.5 + w.norm_squared()
}

/// Two values of one `if`, one of which is computed from an index that is bound there.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn both_of_one_choice(x: &Vector6<f64>) -> f64 {
    let (mut a, mut t) = (x[0] + 3.0, x[1]);
    let q = matrix![0.5, x[2]; x[3], x[4]];
    for k in 0..q.ncols() {
        if x[5] < 0.25 {
            if t <= q[(k, 1 - k)] {
                a -= 0.5 * x[2];
            }
            t /= a;
        }
    }
    t * a
}

/// Arms of a `match` on a counter, in loops that carry a matrix.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn arms_by_turns(x: &Vector6<f64>) -> f64 {
    let mut p = DMatrix::from_element(3, 2, 0.5);
    let mut k = 0;
    while k < 2 {
        let (mut t, mut n) = (x[1], 0);
        while n < 3 {
            match n {
                0 => t += (x[2] * t).sin(),
                1 => {
                    p *= p.iter().fold(x[0], |sum, _| sum + 0.1 * x[1]);
                    t -= p[(2, 1)];
                }
                _ => {}
            }
            n += 1;
        }
        p[(0, 0)] += t;
        k += 1;
    }
    p.dot(&p)
}

/// What is kept for second derivatives is computed on one side of the `continue` only.
#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn residuals_but_the_last(x: &Vector6<f64>) -> f64 {
    let mut loss = 0.0;
    for i in 0..x.len() {
        if i == 5 {
            continue;
        }
        let r = x[i] * x[i + 1];
        loss += match (i, r.abs() > 0.55) {
            (0, true) => r.sin(),
            (_, false) => r * r,
            (_, true) => r.powi(3),
        };
    }
    loss
}

check! { at POINTS;
    a_local_argument: local_argument local_argument_value_and_gradient local_argument_hessian local_argument_jvp local_argument_vjp;
    temporaries: temporary_arguments temporary_arguments_value_and_gradient temporary_arguments_hessian temporary_arguments_jvp temporary_arguments_vjp;
    temporaries_of_iterations: temporary_arguments_of_iterations temporary_arguments_of_iterations_value_and_gradient temporary_arguments_of_iterations_hessian temporary_arguments_of_iterations_jvp temporary_arguments_of_iterations_vjp;
    calls_that_are_added_up: added_up added_up_value_and_gradient added_up_hessian added_up_jvp added_up_vjp;
    a_factorisation: factorised factorised_value_and_gradient factorised_hessian factorised_jvp factorised_vjp;
    a_loop_that_is_left: left_early left_early_value_and_gradient left_early_hessian left_early_jvp left_early_vjp;
    a_loop_that_is_left_on_a_side: left_on_a_side left_on_a_side_value_and_gradient left_on_a_side_hessian left_on_a_side_jvp left_on_a_side_vjp;
    entries_that_are_ahead: entries_ahead entries_ahead_value_and_gradient entries_ahead_hessian entries_ahead_jvp entries_ahead_vjp;
    a_variance: variance variance_value_and_gradient variance_hessian variance_jvp variance_vjp;
    a_count: counted counted_value_and_gradient counted_hessian counted_jvp counted_vjp;
    a_counter: counts_on_a_side counts_on_a_side_value_and_gradient counts_on_a_side_hessian counts_on_a_side_jvp counts_on_a_side_vjp;
    a_row: row_of_one_side row_of_one_side_value_and_gradient row_of_one_side_hessian row_of_one_side_jvp row_of_one_side_vjp;
    matrices: matrices_of_sides matrices_of_sides_value_and_gradient matrices_of_sides_hessian matrices_of_sides_jvp matrices_of_sides_vjp;
    fields: fields_that_stay fields_that_stay_value_and_gradient fields_that_stay_hessian fields_that_stay_jvp fields_that_stay_vjp;
    assigned_before_the_choice_has_right_derivatives: assigned_before_the_choice assigned_before_the_choice_value_and_gradient assigned_before_the_choice_hessian assigned_before_the_choice_jvp assigned_before_the_choice_vjp;
    both_of_one_choice_has_right_derivatives: both_of_one_choice both_of_one_choice_value_and_gradient both_of_one_choice_hessian both_of_one_choice_jvp both_of_one_choice_vjp;
    arms_by_turns_has_right_derivatives: arms_by_turns arms_by_turns_value_and_gradient arms_by_turns_hessian arms_by_turns_jvp arms_by_turns_vjp;
    residuals_but_the_last_has_right_derivatives: residuals_but_the_last residuals_but_the_last_value_and_gradient residuals_but_the_last_hessian residuals_but_the_last_jvp residuals_but_the_last_vjp;
}

#[differentiable(wrt(x))]
fn logged(x: f64, calls: &Cell<usize>) -> f64 {
    calls.set(calls.get() + 1);
    x.sin()
}

#[gradient(wrt(x))]
#[hvp]
#[jvp]
#[vjp]
fn calling(x: &Vector2<f64>, calls: &Cell<usize>) -> f64 {
    let y = if x[1] > 0.0 {
        logged(x[0], calls)
    } else {
        x[1]
    };
    Vector2::new(y, 1.0).norm_squared() * x[1]
}

#[test]
fn a_call_on_one_side_is_made_once() {
    let (x, d) = (vector![0.4, 0.8], vector![1.0, -0.5]);
    let calls = Cell::new(0);
    let gradient = calling_gradient(&x, &calls);
    assert_eq!(calls.take(), 1);
    calling_value_and_gradient(&x, &calls);
    assert_eq!(calls.take(), 1);
    calling_jvp(&x, &calls, &d);
    assert_eq!(calls.take(), 1);
    calling_vjp(&x, &calls).1(1.0);
    assert_eq!(calls.take(), 1);
    let (again, product) = calling_hvp(&x, &calls, &d);
    assert_eq!(calls.take(), 1);
    assert_eq!(again, gradient);
    for k in 0..2 {
        let unit = Vector2::ith(k, 1.0);
        assert_close(gradient[k], slope(|h| calling(&(x + unit * h), &calls)));
        let moved = |h: f64| calling_gradient(&(x + d * h), &calls)[k];
        assert_close(product[k], slope(moved));
    }
}

#[test]
fn entries_that_are_matched() {
    let direction = Vector6::new(0.3, -0.5, 0.2, 0.8, -0.1, 0.4);
    for x in POINTS {
        let (gradient, product) = matched_ahead_hvp(&x, &direction);
        assert_eq!(gradient, matched_ahead_gradient(&x));
        for k in 0..6 {
            let unit = Vector6::ith(k, 1.0);
            assert_close(gradient[k], slope(|h| matched_ahead(&(x + unit * h))));
            let moved = |h: f64| matched_ahead_gradient(&(x + direction * h))[k];
            assert_close(product[k], slope(moved));
        }
    }
}

#[differentiable]
fn turned(v: &Vector3<f64>) -> f64 {
    v.x * v.y + v.z.sin()
}

/// What the pullback of a call on one side gives is read by several choices, and in none of them on the other side.
#[gradient]
#[hvp]
fn called_on_one_side(x: &Vector2<f64>) -> f64 {
    let s = if x[0] < x[1] * x[0] {
        turned(&(Vector3::new(x[0], x[0], 3.0) * x[0]))
    } else {
        x[0]
    };
    s * s
}

#[test]
fn pullbacks_of_one_side() {
    let direction = Vector2::new(0.3, -0.5);
    for x in [Vector2::new(0.7, 1.5), Vector2::new(0.7, 0.5)] {
        let (gradient, product) = called_on_one_side_hvp(&x, &direction);
        assert_eq!(gradient, called_on_one_side_gradient(&x));
        for k in 0..2 {
            let unit = Vector2::ith(k, 1.0);
            assert_close(gradient[k], slope(|h| called_on_one_side(&(x + unit * h))));
            let moved = |h: f64| called_on_one_side_gradient(&(x + direction * h))[k];
            assert_close(product[k], slope(moved));
        }
    }
}
