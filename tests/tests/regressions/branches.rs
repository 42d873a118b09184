//! Branches: what is evaluated on which side, how often, and what comes out.

use crate::Log;
use crate::oracle::panic_message;
use nalgebra::{DVector, Matrix2, Matrix3, Vector3};
use nalgrad::{gradient, hessian};

fn positive(n: i32) -> bool {
    assert!(n != 0, "zero is neither");
    n > 0
}

fn entry(n: i32) -> f64 {
    assert!(n != 0, "no entry");
    f64::from(n)
}

fn same(k: f64) -> f64 {
    k
}

#[test]
fn right_sides_are_evaluated_where_the_left_ones_do_not_decide() {
    #[gradient]
    fn f(x: f64, n: i32) -> f64 {
        if nalgebra::vector![x, 1.0].norm() > 100.0 && positive(n) {
            x * x
        } else {
            x
        }
    }
    expect!((0.5, 0) => 1.0);
    expect!((200.0, 2) => 400.0);
    expect!((200.0, -2) => 1.0);
    panics!((200.0, 0) => "zero is neither");
}

/// Blocks and indices on right sides: what they bind is there for them alone.
#[hessian]
fn neighbours(x: &DVector<f64>) -> f64 {
    let mut s = 0.0;
    for i in 0..x.len() {
        if x[i] < 0.0
            || i + 1 < x.len() && {
                let twice = x[i + 1] * 2.0;
                twice > x[i]
            }
        {
            s += x[i] * x[i] * x[i];
        } else {
            s += x[0] * x[i];
        }
    }
    s
}

#[test]
fn right_sides_with_blocks_and_indices() {
    let x = nalgebra::dvector![0.5, -2.0, 3.0, 1.0, 4.0];
    // −2 and 1 by the third power, as −2 < 0 and 1 < 2 · 4.
    let (value, gradient, hessian) = neighbours_value_gradient_and_hessian(&x);
    assert_eq!(value, neighbours(&x));
    assert_eq!(value, 0.25 - 8.0 + 0.5 * 3.0 + 1.0 + 0.5 * 4.0);
    assert_eq!(
        gradient,
        nalgebra::dvector![1.0 + 3.0 + 4.0, 12.0, 0.5, 3.0, 0.5]
    );
    let mut expected = nalgebra::DMatrix::zeros(5, 5);
    (expected[(0, 0)], expected[(1, 1)], expected[(3, 3)]) = (2.0, -12.0, 6.0);
    for k in [2, 4] {
        (expected[(0, k)], expected[(k, 0)]) = (1.0, 1.0);
    }
    assert_eq!(hessian, expected);
}

#[test]
fn and_leaves_out_its_right_side() {
    #[gradient]
    fn f(x: f64, n: i32) -> f64 {
        let y = if x > 1.0 && positive(n) { x * x } else { x };
        if x > 1.0 && x < entry(n) { y * x } else { y }
    }
    expect!((0.5, 0) => 1.0);
    expect!((1.5, 2) => 3.0 * 1.5 * 1.5);
    expect!((2.5, 2) => 5.0);
    panics!((1.5, 0) => "zero is neither");
}

#[test]
fn or_leaves_out_its_right_side() {
    #[gradient]
    fn f(x: f64, n: i32) -> f64 {
        if x < 1.0 || positive(n) { x * x } else { x }
    }
    expect!((0.5, 0) => 1.0);
    expect!((1.5, 2) => 3.0);
    expect!((1.5, -2) => 1.0);
    panics!((1.5, 0) => "zero is neither");
}

#[test]
fn the_right_side_of_a_condition_has_its_effects_once() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        if x > 0.0 && log.agrees("right") {
            x * x
        } else {
            x
        }
    }
    logged!(1.3, "right");
    logged!(-1.3, "");
}

#[test]
fn an_index_is_guarded_by_the_left_side() {
    #[gradient]
    fn f(x: &DVector<f64>, i: usize) -> f64 {
        if i < x.len() && x[i] > 0.0 {
            x[i]
        } else {
            x[0] * 2.0
        }
    }
    let x = DVector::from_vec(vec![0.3, -1.1, 0.9]);
    expect!((&x, 7) => DVector::from_vec(vec![2.0, 0.0, 0.0]));
    expect!((&x, 1) => DVector::from_vec(vec![2.0, 0.0, 0.0]));
    expect!((&x, 2) => DVector::from_vec(vec![0.0, 0.0, 1.0]));
}

#[test]
fn an_index_is_guarded_by_its_branch() {
    #[gradient]
    fn f(x: &DVector<f64>, i: usize) -> f64 {
        let y = if i > 0 { x[i - 1] * x[i] } else { x[i] };
        let z = if i + 1 < x.len() {
            let k = x[i + 1] * 2.0;
            k * k
        } else {
            x[0]
        };
        y + z
    }
    let x = DVector::from_vec(vec![0.3, -1.1, 0.9]);
    expect!((&x, 0) => DVector::from_vec(vec![1.0, 8.0 * x[1], 0.0]));
    expect!((&x, 2) => DVector::from_vec(vec![1.0, x[2], x[1]]));
}

#[test]
fn an_integer_division_is_guarded_inside_a_closure() {
    #[gradient]
    fn f(x: &Vector3<f64>, n: usize) -> f64 {
        x.map(|v| {
            if n > 1 {
                v * (6 / (n - 1)) as f64
            } else {
                v * v
            }
        })
        .sum()
    }
    let x = Vector3::new(0.3, -1.1, 0.9);
    expect!((&x, 0) => x * 2.0);
    expect!((&x, 3) => Vector3::repeat(3.0));
}

#[test]
fn branches_of_the_same_value_have_effects_of_their_own() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let a = if x > 0.0 {
            log.say("a");
            x * x
        } else {
            log.say("b");
            x
        };
        let b = if x > 0.0 {
            log.say("c");
            x * x
        } else {
            log.say("d");
            x
        };
        a * b
    }
    logged!(1.3, "a c");
    logged!(-1.3, "b d");
}

#[test]
fn branches_of_the_same_text_have_numbers_of_their_own() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let a = if x > 0.0 {
            let k = log.say("k");
            x * x * k
        } else {
            let k = log.say("k");
            x * k
        };
        let b = if x > 0.0 {
            let k = log.say("k");
            x * x * k
        } else {
            let k = log.say("k");
            x * k
        };
        a * b
    }
    logged!(1.3, "k k");
    logged!(-1.3, "k k");
}

#[test]
fn a_condition_that_changes_is_another_condition() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let mut b = true;
        let y = if b { x * x } else { x };
        b = false;
        let z = if b { x * x } else { x.sin() };
        y * z
    }
    let x: f64 = 1.3;
    expect!((x) => 2.0 * x * x.sin() + x * x * x.cos());
}

#[test]
fn two_ifs_on_one_condition_export_their_own_values() {
    #[gradient]
    fn f(x: f64, y: f64) -> f64 {
        let a = if x > y {
            let q = x.exp();
            q * y
        } else {
            let q = y.exp();
            q * x
        };
        let b = if x > y {
            let q = x.exp();
            q * q
        } else {
            let q = y.cos();
            q * q
        };
        a + b
    }
    let (x, y): (f64, f64) = (0.8, 0.3);
    expect!((x, y) => (x.exp() * y + 2.0 * (2.0 * x).exp(), x.exp()));
    let (x, y): (f64, f64) = (0.3, 0.8);
    expect!((x, y) => (y.exp(), y.exp() * x - 2.0 * y.cos() * y.sin()));
}

#[test]
fn a_branch_exports_a_value_of_before_beside_its_own() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let s = if x > 0.0 { x * x } else { -x };
        let (a, b) = if x > 1.0 {
            let q = log.say("big");
            (s, x * q)
        } else {
            let q = log.say("small");
            (s, x.sin() * q)
        };
        a * b
    }
    logged!(1.5, "big");
    logged!(0.5, "small");
    logged!(-1.0, "small");
}

#[test]
fn a_branch_inside_a_branch_pins_what_it_needs() {
    #[gradient]
    fn f(x: f64) -> f64 {
        if x > 0.0 {
            if x > 1.0 {
                let k = same(3.0);
                x * k
            } else {
                x.exp()
            }
        } else {
            x * x
        }
    }
    expect!((1.5) => 3.0);
    expect!((0.5) => 0.5_f64.exp());
    expect!((-0.5) => -1.0);
}

#[test]
fn a_panic_of_a_branch_whose_value_is_a_constant_is_kept() {
    #[gradient]
    fn f(x: f64, v: &DVector<f64>) -> f64 {
        let y = if x > 0.0 {
            let _ = v[10];
            1.0
        } else {
            1.0
        };
        x * y
    }
    let v = DVector::from_vec(vec![0.3, -1.1, 0.9]);
    panics!((1.5, &v) => "Matrix index out of bounds.");
    expect!((-1.5, &v) => (1.0, DVector::zeros(3)));
}

#[test]
fn a_panic_after_the_same_index_in_a_branch_is_kept() {
    #[gradient]
    fn f(x: f64, v: &DVector<f64>, i: usize) -> f64 {
        let a = if i < 2 { v[i] } else { x };
        let _dead = v[i];
        a
    }
    let v = DVector::from_vec(vec![0.3, -1.1, 0.9]);
    panics!((1.5, &v, 5) => "Matrix index out of bounds.");
    expect!((1.5, &v, 1) => (0.0, DVector::from_vec(vec![0.0, 1.0, 0.0])));
    expect!((1.5, &v, 2) => (1.0, DVector::zeros(3)));
}

#[test]
fn the_branch_not_taken_leaves_no_nan_behind() {
    #[gradient]
    fn f(x: f64, y: f64) -> f64 {
        let a = if x < 0.0 { x.sqrt() } else { 0.0 };
        let b = if y > 100.0 { (x / 0.0).ln() * y } else { x * y };
        let c = if x > 0.0 && x.ln() > y {
            x.ln()
        } else if x < 0.0 || x.sqrt() < 2.0 {
            (-x).exp()
        } else {
            y
        };
        a + b + c
    }
    let (x, y) = (1.5_f64, 0.3);
    expect!((x, y) => (y + 1.0 / x, x));
    expect!((x, 0.7) => (0.7 - (-x).exp(), x));
    expect!((5.0, 2.5) => (2.5, 6.0));
}

mod sums_of_different_shapes {
    use nalgebra::{DMatrix, DVector, Matrix2x3, Vector3};
    use nalgrad::{gradient, jacobian};

    /// What a number gets from two vectors was added entry by entry, whatever their lengths.
    #[gradient]
    fn f(x: f64, v: &DVector<f64>, w: &DVector<f64>) -> f64 {
        if x > 0.0 {
            v.map(|e| e * x * e).sum() + w.map(|e| (e * x).sin()).sum()
        } else {
            x
        }
    }

    #[test]
    fn one_number_expanded_over_two_lengths() {
        let (v, w) = (
            DVector::from_vec(vec![0.4, -0.9]),
            DVector::from_vec(vec![0.3]),
        );
        expect!((0.7_f64, &v, &w) => (
            v.norm_squared() + 0.3 * 0.21_f64.cos(),
            &v * 1.4,
            DVector::from_vec(vec![0.7 * 0.21_f64.cos()])
        ));
        expect!((-0.7_f64, &v, &w) => (1.0, DVector::zeros(2), DVector::zeros(1)));
    }

    mod on_two_sides {
        use super::*;

        #[gradient]
        fn f(x: f64, v: &Matrix2x3<f64>, w: &Vector3<f64>) -> f64 {
            if x > 0.0 {
                v.map(|e| e * x).sum()
            } else {
                w.map(|e| e * x).sum()
            }
        }

        #[test]
        fn one_number_expanded_over_two_types() {
            let (v, w) = (Matrix2x3::repeat(0.5), Vector3::repeat(0.25));
            expect!((2.0_f64, &v, &w) => (3.0, Matrix2x3::repeat(2.0), Vector3::zeros()));
            expect!((-2.0_f64, &v, &w) => (0.75, Matrix2x3::zeros(), Vector3::repeat(-2.0)));
        }
    }

    /// The variable whose largest entry is taken was moved before its last use.
    #[jacobian(mode = forward)]
    fn largest(m: &DMatrix<f64>, v: &DVector<f64>) -> DVector<f64> {
        let y = m * v;
        y.map(|e| e.tanh()) * y.norm() + m.row_sum().transpose() * y.max()
    }

    #[test]
    fn the_largest_entry_of_a_variable() {
        let (m, v) = (
            DMatrix::from_row_slice(1, 1, &[0.5]),
            DVector::from_vec(vec![0.8]),
        );
        let (by_m, by_v) = largest_jacobian(&m, &v);
        let at = |m: f64, v: f64| {
            largest(
                &DMatrix::from_element(1, 1, m),
                &DVector::from_element(1, v),
            )[0]
        };
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-8, "{a} and {b}");
        close(by_m[0], crate::slope(0.5, |m| at(m, 0.8)));
        close(by_v[0], crate::slope(0.8, |v| at(0.5, v)));
    }
}

/// What one branch computes is needed in another one, of which this one is a part only sometimes.
#[test]
fn a_value_of_a_branch_is_there_where_the_branch_around_it_is_not_taken() {
    #[hessian(wrt(x))]
    #[allow(dead_code)]
    fn two_choices(x: &Vector3<f64>, w: &Vector3<f64>) -> f64 {
        let q = if x[0] > 1.0 {
            x.map(|t| t.sin())
        } else {
            x.map(|t| t.exp())
        };
        let r = if x[1] > 0.0 { q } else { *w };
        r.norm_squared() + q[2]
    }
    let w = Vector3::new(1.0, 2.0, 3.0);
    for (x, second) in [
        (Vector3::new(2.0, -1.0, 0.5), -0.5_f64.sin()),
        (Vector3::new(0.0, -1.0, 0.5), 0.5_f64.exp()),
    ] {
        let expected = Matrix3::from_diagonal(&Vector3::new(0.0, 0.0, second));
        assert!((two_choices_hessian(&x, &w) - expected).norm() < 1e-15);
    }
}

/// What is in two `Option`s is read where both have a value, and what other arms give does not depend on it.
#[test]
fn arms_of_two_options_are_told_apart() {
    #[gradient]
    fn ends(x: &[f64]) -> f64 {
        match (x.first(), x.get(2)) {
            (Some(a), None) => a * a,
            (Some(a), Some(b)) => a - b * b,
            (None, _) => 0.0,
        }
    }
    for (x, expected) in [
        (&[][..], vec![]),
        (&[0.7], vec![1.4]),
        (&[0.7, 2.0], vec![1.4, 0.0]),
        (&[0.7, 2.0, 3.0], vec![1.0, 0.0, -6.0]),
    ] {
        let (value, gradient) = ends_value_and_gradient(x);
        assert_eq!(value.to_bits(), ends(x).to_bits());
        assert_eq!(gradient, expected);
    }
}

/// What was attempted is not taken where there is nothing.
#[test]
fn an_inverse_that_is_not_there_is_not_taken_on_another_branch() {
    #[gradient(wrt(x))]
    #[allow(dead_code)]
    fn chosen(x: f64, k: &Matrix2<f64>) -> f64 {
        let b = if let Some(b) = (k * x).try_inverse() {
            b
        } else {
            Matrix2::zeros()
        };
        if x > 0.0 { b.sum() } else { x }
    }
    for (k, x, expected) in [
        (Matrix2::zeros(), 2.0, (0.0, 0.0)),
        (Matrix2::identity(), 2.0, (1.0, -0.5)),
        (Matrix2::zeros(), -2.0, (-2.0, 1.0)),
    ] {
        assert_eq!(chosen_value_and_gradient(x, &k), expected);
    }
}

mod needed_in_several_branches {
    use super::*;
    use nalgebra::DMatrix;
    use nalgrad::hvp;

    /// The product of the Hessian and a direction against differences of the gradient, and that against differences.
    fn check<const N: usize>(
        f: impl Fn(&[f64; N]) -> f64,
        hvp: impl Fn(&[f64; N], &[f64; N]) -> ([f64; N], [f64; N]),
        points: &[[f64; N]],
    ) {
        const STEP: f64 = 1e-5;
        let direction: [f64; N] = std::array::from_fn(|i| 0.7 - 0.4 * i as f64);
        let moved = |x: &[f64; N], by: &dyn Fn(usize) -> f64| -> [f64; N] {
            std::array::from_fn(|i| x[i] + by(i))
        };
        for x in points {
            let (gradient, product) = hvp(x, &direction);
            for k in 0..N {
                let step = |sign: f64| moved(x, &|i| if i == k { sign * STEP } else { 0.0 });
                let slope = (f(&step(1.0)) - f(&step(-1.0))) / (2.0 * STEP);
                assert!(
                    (gradient[k] - slope).abs() < 1e-6 * (1.0 + slope.abs()),
                    "{gradient:?}"
                );
                let along =
                    |sign: f64| hvp(&moved(x, &|i| sign * STEP * direction[i]), &direction).0[k];
                let turn = (along(1.0) - along(-1.0)) / (2.0 * STEP);
                assert!(
                    (product[k] - turn).abs() < 1e-6 * (1.0 + turn.abs()),
                    "{product:?}"
                );
            }
        }
    }

    /// What the way back reads of the rest of a function that may return before it.
    #[hvp]
    fn after_a_return(x: &[f64; 2]) -> f64 {
        let data = x.to_vec();
        if data[0] > 1.0 {
            return data[0] * data[0];
        }
        (Matrix3::new(0.1, 0.5, 0.5, 0.25, data[0], 0.5, 0.5, data[1], 0.5)
            .normalize()
            .diagonal()
            .transpose()
            * Vector3::new(0.5, 0.5, data[0]))[(0, 0)]
    }

    #[test]
    fn rest_of_a_function() {
        check(
            after_a_return,
            after_a_return_hvp,
            &[[0.4, -0.6], [1.5, 0.3]],
        );
    }

    /// Matrices of dynamic sizes beside a loop, after a return.
    #[hvp]
    fn loop_after_a_return(x: &[f64; 3]) -> f64 {
        let w = DVector::from_column_slice(&x[1..]);
        let mut a = (DMatrix::from_row_slice(2, 2, &[x[2], x[0], x[1], -0.5]) * &w).dot(&w);
        if x[0] < 0.3 {
            return x[0] * a;
        }
        let mut t = f64::cos(x[2]);
        for k in 0..w.len() {
            t = a * w[k];
        }
        a *= x[0];
        a * t
    }

    #[test]
    fn loops_in_the_rest_of_a_function() {
        check(
            loop_after_a_return,
            loop_after_a_return_hvp,
            &[[0.2, -0.6, 0.5], [0.8, 0.3, 1.1]],
        );
    }

    /// Whether the loop is left is told by what a side of a branch binds.
    #[hvp]
    fn left_on_a_side(x: &[f64; 2]) -> f64 {
        let mut t = x[0];
        let mut n = 0;
        while n < 4 {
            match n {
                0 => {
                    t += x[n + 1] * x[0];
                }
                1 => {}
                _ => {
                    t *= x[1];
                    if 0.5 < t {
                        break;
                    }
                }
            }
            n += 1;
        }
        t * x[1]
    }

    #[test]
    fn loops_that_are_left_on_a_side() {
        check(
            left_on_a_side,
            left_on_a_side_hvp,
            &[[0.4, 0.9], [1.5, 1.3]],
        );
    }

    /// The size of what the inner loop changes is that of what it begins with.
    #[hvp]
    fn loop_in_a_loop(x: &[f64; 2]) -> f64 {
        let mut m = DMatrix::from_element(2, 2, x[1]);
        let mut n = 0;
        for k in 0..m.nrows() {
            if x[0] > 2.0 {
                break;
            }
            while n < 3 {
                m += DMatrix::from_element(2, 2, 0.5);
                n += 1;
            }
            m = DMatrix::from_row_slice(2, 2, &[x[0], m[(k, 0)] * x[1], x[0], 3.0]);
        }
        m[(0, 0)] * m[(0, 1)]
    }

    #[test]
    fn loops_in_loops_that_are_left() {
        check(
            loop_in_a_loop,
            loop_in_a_loop_hvp,
            &[[0.4, -0.6], [2.5, 0.3]],
        );
    }

    /// The loop for the tangent reads what a branch of the first loop gives.
    #[hvp]
    fn skipped(x: &[f64; 3]) -> f64 {
        let mut t = 0.5;
        if t + x[0] < 0.5 {
            t -= x[0] * x[1];
        }
        let mut u = 0.1;
        for k in 0..x.len() {
            if 0.5 < u {
                continue;
            }
            match k {
                0 => {}
                1 => t -= x[0] * x[2],
                _ => {}
            }
            u -= t * x[k];
        }
        u * u
    }

    #[test]
    fn iterations_that_are_skipped() {
        check(skipped, skipped_hvp, &[[0.4, -0.6, 0.8], [-0.5, 0.3, 1.1]]);
    }

    /// An entry of what a branch gives is read on a side of another branch as well.
    #[hvp]
    fn entry_of_a_choice(x: &DVector<f64>, t: f64) -> f64 {
        let y = if t < 1.5 {
            DMatrix::from_fn(2, 2, |i, _| x[i]) * DVector::from_vec(vec![t, t])
        } else {
            DVector::from_column_slice(&[2.0, t])
        };
        if t < -0.5 {
            let _row = nalgebra::RowDVector::from_vec(vec![t, y[1]]);
            return t;
        }
        let q = nalgebra::dmatrix![t, t, t; t, y[1] * t, t];
        q[(1, 1)]
    }

    #[test]
    fn entries_of_choices() {
        let vector = |x: &[f64; 3]| DVector::from_column_slice(&x[..2]);
        let flat = |(x, t): (DVector<f64>, f64)| [x[0], x[1], t];
        check(
            |x| entry_of_a_choice(&vector(x), x[2]),
            |x, d| {
                let (gradient, product) = entry_of_a_choice_hvp(&vector(x), x[2], &vector(d), d[2]);
                (flat(gradient), flat(product))
            },
            &[[0.4, -0.6, 0.8], [0.5, 0.3, 1.7], [0.5, 0.3, -0.9]],
        );
    }

    /// The size of `p` is that of what it begins with; asked of the inner loop, it would be taken when `n` has changed.
    #[hvp]
    fn size_of_an_inner_loop(x: f64) -> f64 {
        let mut a = x;
        let mut n = 0;
        while n < 3 {
            let mut p = DMatrix::from_element(3, 3, 0.5);
            let m = p.map(|_| x);
            for _ in 0..m.len() {
                p += m[(0, n)] * &m;
            }
            a /= DVector::from_column_slice(&[a, x, a]).dot(&DVector::from_element(3, p[(n, n)]));
            n += 1;
        }
        a
    }

    #[test]
    fn sizes_of_inner_loops() {
        check(
            |[x]| size_of_an_inner_loop(*x),
            |[x], [d]| {
                let (gradient, product) = size_of_an_inner_loop_hvp(*x, *d);
                ([gradient], [product])
            },
            &[[0.8], [1.3]],
        );
    }

    #[test]
    fn one_return_is_the_formula() {
        let (gradient, product) = after_a_return_hvp(&[1.5, 0.3], &[0.5, 0.25]);
        assert_eq!((gradient, product), ([3.0, 0.0], [1.0, 0.0]));
    }
}
