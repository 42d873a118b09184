//! Points where derivatives are delicate, and the convention for each.

use crate::interpreter::{self, Value};
use crate::world::{Domain, Size, World, any};
use Size::{Fixed, Run};
use nalgebra::{DMatrix, Matrix3, Matrix4, dmatrix};
use nalgrad::__private as runtime;
use nalgrad_tests::graph::Id;
use nalgrad_tests::rules::{Extreme, Op, Panic, Part, Scalar};

/// The gradient of a number, or of the sum of the entries, by every parameter; and what is finite of it comes forward
/// too, entry by entry.
fn gradient(world: &mut World, root: Id) -> Vec<Value> {
    let ones = world.value(root).map(|_| 1.0);
    let seed = world.like(root, ones.clone());
    let mut gradients = Vec::new();
    for leaf in world.wrt.clone() {
        let gradient = world.reverse(root, seed, leaf);
        let gradient = world.value(gradient);
        for (k, &slope) in gradient.entries().iter().enumerate() {
            if gradient.is_finite() {
                let unit = world.unit(leaf, k);
                let tangent = world.forward(root, &[(leaf, unit)]);
                let forward: f64 = ones.terms(&world.value(tangent)).sum();
                assert!(
                    (forward - slope).abs() <= 1e-13 * slope.abs(),
                    "{forward} {slope}"
                );
            }
        }
        gradients.push(gradient);
    }
    gradients
}

fn slopes_of(op: Op, at: &[f64]) -> Vec<f64> {
    let mut world = World::new(1);
    let args: Vec<Id> = at.iter().map(|x| world.given(*x)).collect();
    let root = world.apply(op, &args);
    gradient(&mut world, root)
        .iter()
        .map(Value::number)
        .collect()
}

fn slopes(function: Scalar, at: &[f64]) -> Vec<f64> {
    slopes_of(Op::Scalar(function), at)
}

fn slope(function: Scalar, at: f64) -> f64 {
    slopes(function, &[at])[0]
}

/// With the last arguments constants of the macro's, which depend on no parameter.
fn slopes_with(function: Scalar, at: &[f64], constants: &[f64]) -> Vec<f64> {
    let mut world = World::new(1);
    let mut args: Vec<Id> = at.iter().map(|x| world.given(*x)).collect();
    args.extend(constants.iter().map(|c| world.graph.constant(*c)));
    let root = world.apply(Op::Scalar(function), &args);
    gradient(&mut world, root)
        .iter()
        .map(Value::number)
        .collect()
}

/// The derivative of a number by several parameters, one after the other, however the sweeps follow each other.
fn repeated(world: &World, root: Id, by: &[Id]) -> f64 {
    let one = world.graph.constant(1.0);
    let mut results = vec![root];
    for leaf in by {
        let forward = |root: &Id| world.forward(*root, &[(*leaf, one)]);
        let reverse = |root: &Id| world.reverse(*root, one, *leaf);
        results = results
            .iter()
            .flat_map(|r| [forward(r), reverse(r)])
            .collect();
    }
    let values: Vec<f64> = results.iter().map(|r| world.value(*r).number()).collect();
    assert!(values.iter().all(|v| v == &values[0]), "{values:?}");
    values[0]
}

/// The second derivatives by each parameter and each.
fn curvatures_of(op: Op, at: &[f64]) -> Vec<Vec<f64>> {
    let mut world = World::new(1);
    let args: Vec<Id> = at.iter().map(|x| world.given(*x)).collect();
    let root = world.apply(op, &args);
    let by = |a: &Id, b: &Id| repeated(&world, root, &[*a, *b]);
    let row = |a: &Id| args.iter().map(|b| by(a, b)).collect();
    args.iter().map(row).collect()
}

fn curvature_of(op: Op, at: &[f64], k: usize) -> f64 {
    curvatures_of(op, at)[k][k]
}

fn power(x: f64, n: i32, order: usize) -> [f64; 2] {
    let derivative = |runtime: bool| {
        let mut world = World::new(1);
        let x = world.given(x);
        let root = if runtime {
            let n = world.integer(n);
            world.apply(Op::PowInt, &[x, n])
        } else {
            world.apply(Op::PowI(n), &[x])
        };
        repeated(&world, root, &vec![x; order])
    };
    [derivative(false), derivative(true)]
}

fn of_matrix(op: Op, entries: DMatrix<f64>) -> DMatrix<f64> {
    let (rows, columns) = entries.shape();
    let derivative = |rows, columns| {
        let mut world = World::new(1);
        let leaf = world.given_matrix(rows, columns, entries.clone());
        let root = world.apply(op.clone(), &[leaf]);
        gradient(&mut world, root)[0].matrix().clone()
    };
    let fixed = derivative(Fixed(rows), Fixed(columns));
    assert_eq!(
        fixed.as_slice(),
        derivative(Run(rows), Run(columns)).as_slice()
    );
    fixed
}

#[test]
fn the_absolute_value_has_slope_zero_at_zero() {
    assert_eq!(slope(Scalar::Abs, 0.0), 0.0);
    assert_eq!(slope(Scalar::Abs, -0.0), 0.0);
    assert_eq!(slope(Scalar::Abs, -2.0), -1.0);
    assert_eq!(curvature_of(Op::Scalar(Scalar::Abs), &[0.0], 0), 0.0);
    assert_eq!(slope(Scalar::Signum, 0.0), 0.0);
    assert_eq!(slope(Scalar::Sign, 0.0), 0.0);
}

#[test]
fn norms_have_gradient_zero_at_zero() {
    for op in [Op::Norm, Op::NormSquared] {
        assert_eq!(
            of_matrix(op.clone(), DMatrix::zeros(3, 1)),
            DMatrix::zeros(3, 1)
        );
        assert_eq!(
            of_matrix(op.clone(), DMatrix::zeros(2, 2)),
            DMatrix::zeros(2, 2)
        );
        assert_eq!(of_matrix(op, DMatrix::zeros(1, 1)), DMatrix::zeros(1, 1));
    }
    assert_eq!(slopes(Scalar::Hypot, &[0.0, 0.0]), [0.0, 0.0]);
    assert_eq!(slopes(Scalar::Hypot, &[0.0, -3.0]), [0.0, -1.0]);
    assert_eq!(slope(Scalar::RecipOrZero, 0.0), 0.0);
    assert_eq!(slope(Scalar::RecipOrZero, 2.0), -0.25);
}

/// The second derivative of a number by a matrix, a column for each entry, by both sweeps over the gradient.
fn hessian(op: Op, entries: DMatrix<f64>) -> DMatrix<f64> {
    let n = entries.len();
    let [mut forward, mut backward] = [DMatrix::zeros(n, n), DMatrix::zeros(n, n)];
    let mut world = World::new(1);
    let leaf = world.given_matrix(Run(entries.nrows()), Run(entries.ncols()), entries);
    let root = world.apply(op, &[leaf]);
    let one = world.graph.constant(1.0);
    let gradient = world.reverse(root, one, leaf);
    for k in 0..n {
        let unit = world.unit(leaf, k);
        let column = world.forward(gradient, &[(leaf, unit)]);
        let row = world.reverse(gradient, unit, leaf);
        forward
            .column_mut(k)
            .copy_from_slice(world.value(column).entries());
        backward
            .column_mut(k)
            .copy_from_slice(world.value(row).entries());
    }
    assert!((&forward - &backward).iter().all(|x| x.abs() <= 1e-12));
    assert!(
        (&forward - forward.transpose())
            .iter()
            .all(|x| x.abs() <= 1e-12)
    );
    forward
}

#[test]
fn norms_have_second_derivatives_at_zero() {
    for (rows, columns) in [(3, 1), (2, 2), (1, 1), (0, 1)] {
        let (zero, n) = (DMatrix::zeros(rows, columns), rows * columns);
        let square = hessian(Op::NormSquared, zero.clone());
        assert_eq!(square, DMatrix::identity(n, n) * 2.0);
        // There is none, and so zero, as the first.
        assert_eq!(hessian(Op::Norm, zero.clone()), DMatrix::zeros(n, n));
        let centred = DMatrix::identity(n, n) - DMatrix::from_element(n, n, 1.0 / n as f64);
        let variance = hessian(Op::Variance, zero);
        let error = variance - centred * (2.0 / n as f64);
        assert!(error.iter().all(|x| x.abs() < 1e-15));
    }
    assert_eq!(
        curvatures_of(Op::Scalar(Scalar::Hypot), &[0.0, 0.0]),
        vec![vec![0.0; 2]; 2]
    );
}

#[test]
fn extremes_have_no_curvature() {
    for extreme in [Extreme::Max, Extreme::Min, Extreme::AbsMax, Extreme::AbsMin] {
        for entries in [
            dmatrix![1.0, -1.0; 1.0, -1.0],
            DMatrix::zeros(2, 1),
            DMatrix::zeros(0, 1),
        ] {
            let n = entries.len();
            assert_eq!(hessian(Op::Extreme(extreme), entries), DMatrix::zeros(n, n));
        }
    }
}

/// Of xᵖ; along p it is steep at x = 0, but flat beside a constant exponent.
#[test]
fn powers_with_real_exponents_have_second_derivatives_beside_zero() {
    let at = |x: f64, p: f64| curvatures_of(Op::Scalar(Scalar::Powf), &[x, p]);
    assert_eq!(at(0.0, 2.0), [[2.0, 0.0], [0.0, 0.0]]);
    assert_eq!(at(0.0, 3.0), [[0.0, 0.0], [0.0, 0.0]]);
    let ln_2 = 2.0_f64.ln();
    assert_eq!(at(2.0, 0.0), [[0.0, 0.5], [0.5, ln_2 * ln_2]]);
    assert_eq!(
        at(2.0, 1.0),
        [[0.0, 1.0 + ln_2], [1.0 + ln_2, 2.0 * (ln_2 * ln_2)]]
    );
}

#[test]
fn a_direction_does_not_change_in_one_dimension() {
    assert_eq!(of_matrix(Op::Normalize, dmatrix![-2.0]), dmatrix![0.0]);
}

#[test]
fn roots_are_infinitely_steep_at_zero() {
    assert_eq!(slope(Scalar::Sqrt, 0.0), f64::INFINITY);
    assert_eq!(slope(Scalar::Cbrt, 0.0), f64::INFINITY);
    assert_eq!(slopes(Scalar::Powf, &[0.0, 0.5])[0], f64::INFINITY);
}

#[test]
fn the_edges_of_domains_are_infinitely_steep() {
    assert_eq!(slope(Scalar::Asin, 1.0), f64::INFINITY);
    assert_eq!(slope(Scalar::Asin, -1.0), f64::INFINITY);
    assert_eq!(slope(Scalar::Acos, 1.0), f64::NEG_INFINITY);
    assert_eq!(slope(Scalar::Acosh, 1.0), f64::INFINITY);
    assert_eq!(slope(Scalar::Atanh, 1.0), f64::INFINITY);
    assert_eq!(slope(Scalar::Atanh, -1.0), f64::INFINITY);
    assert_eq!(slope(Scalar::Ln, 0.0), f64::INFINITY);
    assert_eq!(slope(Scalar::Ln1p, -1.0), f64::INFINITY);
}

#[test]
fn slopes_keep_their_digits_far_out() {
    // 1 − y² and 1 / (1 + x²) by way of x² would be 0 or NaN here.
    let relative = |got: f64, expected: f64| (got / expected - 1.0).abs();
    assert!(relative(slope(Scalar::Tanh, 15.0), 15.0_f64.cosh().powi(-2)) < 1e-2);
    assert!(relative(slope(Scalar::Asinh, 1e200), 1e-200) < 1e-12);
    assert!(relative(slope(Scalar::Acosh, 1e200), 1e-200) < 1e-12);
    assert!(
        relative(
            slope(Scalar::Asin, 1.0 - 1e-12),
            (2e-12_f64 - 1e-24).sqrt().recip()
        ) < 1e-4
    );
    assert_eq!(slope(Scalar::Atan, 1e200), 0.0);
    assert_eq!(slope(Scalar::Exp, -1e3), 0.0);
    assert!(relative(slopes(Scalar::Hypot, &[3e200, 4e200])[0], 0.6) < 1e-12);
    assert!(relative(slopes(Scalar::Hypot, &[3e-200, 4e-200])[1], 0.8) < 1e-12);
}

#[test]
fn powers_with_real_exponents_are_smooth_at_base_and_exponent_zero() {
    let at = |x: f64, p: f64| slopes(Scalar::Powf, &[x, p]);
    assert_eq!(at(0.0, 0.0), [0.0, 0.0]);
    assert_eq!(at(0.0, 1.0), [1.0, 0.0]);
    assert_eq!(at(0.0, 2.0), [0.0, 0.0]);
    assert_eq!(at(0.0, 2.5), [0.0, 0.0]);
    assert_eq!(at(3.0, 0.0), [0.0, 3.0_f64.ln()]);
    assert_eq!(at(-2.0, 0.0)[0], 0.0);
    assert_eq!(at(-2.0, 3.0)[0], 12.0);
    // The exponent a constant: the partial derivative by it is not built.
    for (p, x, expected) in [
        (0.0, 0.0, 0.0),
        (1.0, 0.0, 1.0),
        (2.0, 0.0, 0.0),
        (3.0, -2.0, 12.0),
    ] {
        assert_eq!(slopes_with(Scalar::Powf, &[x], &[p]), [expected]);
    }
    for (p, expected) in [(0.0, 0.0), (1.0, 0.0), (2.0, 2.0), (3.0, 0.0)] {
        assert_eq!(
            curvature_of(Op::Scalar(Scalar::Powf), &[0.0, p], 0),
            expected,
            "x^{p}"
        );
    }
}

#[test]
fn powers_with_integer_exponents_are_smooth_at_zero() {
    for (n, order, expected) in [
        (0, 1, 0.0),
        (1, 1, 1.0),
        (2, 1, 0.0),
        (0, 2, 0.0),
        (1, 2, 0.0),
        (2, 2, 2.0),
        (3, 2, 0.0),
        (2, 3, 0.0),
        (3, 3, 6.0),
        (3, 4, 0.0),
    ] {
        assert_eq!(
            power(0.0, n, order),
            [expected; 2],
            "derivative {order} of x^{n}"
        );
    }
    assert_eq!(power(0.0, -1, 1), [f64::NEG_INFINITY; 2]);
    assert_eq!(power(-2.0, -1, 1), [-0.25; 2]);
    assert_eq!(power(-2.0, 70, 1), [70.0 * (-2.0_f64).powi(69); 2]);
    assert_eq!(power(1.0, i32::MIN, 1), [f64::from(i32::MIN); 2]);
    assert_eq!(power(1.0, i32::MAX, 1), [f64::from(i32::MAX); 2]);
}

#[test]
fn arctangents_of_two_arguments_are_smooth_on_the_axes() {
    assert_eq!(slopes(Scalar::Atan2, &[0.0, 2.0]), [0.5, 0.0]);
    assert_eq!(slopes(Scalar::Atan2, &[-2.0, 0.0]), [0.0, 0.5]);
}

#[test]
fn a_constant_wins_a_tie_and_two_values_that_vary_share_it() {
    for function in [Scalar::Max, Scalar::Min] {
        assert_eq!(slopes(function, &[1.0, 1.0]), [0.5, 0.5]);
        assert_eq!(slopes(function, &[0.0, -0.0]), [0.5, 0.5]);
        assert_eq!(slopes_with(function, &[1.0], &[1.0]), [0.0]);
        assert_eq!(curvature_of(Op::Scalar(function), &[1.0, 1.0], 0), 0.0);
        let mut world = World::new(1);
        let x = world.given(1.0);
        let constant = world.graph.constant(1.0);
        for (args, expected) in [([constant, x], 0.0), ([x, constant], 0.0), ([x, x], 1.0)] {
            let root = world.apply(Op::Scalar(function), &args);
            assert_eq!(gradient(&mut world, root)[0].number(), expected);
        }
    }
    assert_eq!(slopes(Scalar::Max, &[2.0, 1.0]), [1.0, 0.0]);
    assert_eq!(slopes(Scalar::Min, &[2.0, 1.0]), [0.0, 1.0]);
    assert_eq!(slopes_with(Scalar::Max, &[-1.0], &[0.0]), [0.0]);
    assert_eq!(slopes_with(Scalar::Max, &[1.0], &[0.0]), [1.0]);
}

/// What does not move in this derivative still shares, as long as it depends on a parameter.
#[test]
fn a_tie_does_not_ask_which_derivative_is_wanted() {
    let mut world = World::new(1);
    let (a, b) = (world.given(1.0), world.given(1.0));
    let root = world.apply(Op::Scalar(Scalar::Max), &[a, b]);
    world.wrt = vec![a];
    assert_eq!(gradient(&mut world, root), [Value::Number(0.5)]);
}

#[test]
fn clamping_is_min_then_max() {
    for (x, lo, hi, expected) in [
        (0.5, 0.0, 1.0, [1.0, 0.0, 0.0]),
        (-1.0, 0.0, 1.0, [0.0, 1.0, 0.0]),
        (2.0, 0.0, 1.0, [0.0, 0.0, 1.0]),
        (0.0, 0.0, 1.0, [0.5, 0.5, 0.0]),
        (1.0, 0.0, 1.0, [0.5, 0.0, 0.5]),
        (1.0, 1.0, 1.0, [0.25, 0.5, 0.25]),
        (2.0, 1.0, 1.0, [0.0, 0.5, 0.5]),
        (0.0, 1.0, 1.0, [0.0, 1.0, 0.0]),
    ] {
        assert_eq!(
            slopes(Scalar::Clamp, &[x, lo, hi]),
            expected,
            "{x} in {lo}..{hi}"
        );
    }
    for (x, expected) in [(0.0, 0.0), (0.5, 1.0), (1.0, 0.0), (-1.0, 0.0), (2.0, 0.0)] {
        assert_eq!(slopes_with(Scalar::Clamp, &[x], &[0.0, 1.0]), [expected]);
    }
}

#[test]
fn ties_within_matrices_are_entry_by_entry() {
    let mut world = World::new(1);
    let a = world.given_matrix(Run(2), Run(2), dmatrix![1.0, 2.0; 3.0, 4.0]);
    let b = world.given_matrix(Fixed(2), Fixed(2), dmatrix![1.0, 3.0; 2.0, 4.0]);
    let root = world.apply(Op::Scalar(Scalar::Max), &[a, b]);
    let expected = [dmatrix![0.5, 0.0; 1.0, 0.5], dmatrix![0.5, 1.0; 0.0, 0.5]];
    assert_eq!(gradient(&mut world, root), expected.map(Value::Matrix));

    // A number against a matrix collects what the entries leave to it.
    let mut world = World::new(1);
    let a = world.given_matrix(Fixed(3), Fixed(1), dmatrix![1.0; 2.0; 3.0]);
    let b = world.given(2.0);
    let root = world.apply(Op::Scalar(Scalar::Max), &[a, b]);
    let expected = [Value::Matrix(dmatrix![0.0; 0.5; 1.0]), Value::Number(1.5)];
    assert_eq!(gradient(&mut world, root), expected);
}

#[test]
fn extremes_select_the_first_entry_in_column_major_order() {
    let gradient = |extreme, entries| of_matrix(Op::Extreme(extreme), entries);
    let tied = dmatrix![1.0, 3.0; 3.0, 1.0];
    assert_eq!(
        gradient(Extreme::Max, tied.clone()),
        dmatrix![0.0, 0.0; 1.0, 0.0]
    );
    assert_eq!(gradient(Extreme::Min, tied), dmatrix![1.0, 0.0; 0.0, 0.0]);
    let signs = dmatrix![-1.0, 3.0; -3.0, 1.0];
    assert_eq!(
        gradient(Extreme::AbsMax, signs.clone()),
        dmatrix![0.0, 0.0; -1.0, 0.0]
    );
    assert_eq!(
        gradient(Extreme::AbsMin, signs),
        dmatrix![-1.0, 0.0; 0.0, 0.0]
    );
    assert_eq!(
        gradient(Extreme::AbsMin, dmatrix![2.0, 0.0]),
        dmatrix![0.0, 0.0]
    );
    for extreme in [Extreme::Max, Extreme::Min, Extreme::AbsMax, Extreme::AbsMin] {
        assert_eq!(gradient(extreme, dmatrix![5.0]), dmatrix![1.0]);
        assert_eq!(
            gradient(extreme, DMatrix::zeros(0, 1)),
            DMatrix::zeros(0, 1)
        );
    }
}

#[test]
fn reductions_of_nothing_have_gradients_of_no_entries() {
    let none = || DMatrix::zeros(0, 1);
    use Op::{Mean, Norm, NormSquared, Normalize, Sum, Total, Variance};
    for op in [Sum, Total, Mean, Variance, Norm, NormSquared, Normalize] {
        assert_eq!(of_matrix(op, none()), none());
    }
    assert_eq!(
        of_matrix(Op::RowMean, DMatrix::zeros(0, 3)),
        DMatrix::zeros(0, 3)
    );
    assert_eq!(
        of_matrix(Op::ColumnMean, DMatrix::zeros(3, 0)),
        DMatrix::zeros(3, 0)
    );

    // What does not depend on the entries keeps its derivative.
    let mut world = World::new(1);
    let args = [
        world.given_matrix(Run(0), Fixed(1), none()),
        world.given(2.0),
    ];
    let root = world.apply(Op::Fold, &args);
    assert_eq!(
        gradient(&mut world, root),
        [Value::Matrix(none()), Value::Number(1.0)]
    );
    let root = world.apply(Op::Scalar(Scalar::Mul), &args);
    assert_eq!(
        gradient(&mut world, root),
        [Value::Matrix(none()), Value::Number(0.0)]
    );
    let root = world.apply(Op::Dot, &[args[0], args[0]]);
    assert_eq!(gradient(&mut world, root)[0], Value::Matrix(none()));
    let product = world.apply(Op::ProductNt, &[args[0], args[0]]);
    assert_eq!(gradient(&mut world, product)[0], Value::Matrix(none()));
}

/// The adjoint of a scalar that reads a part that is nothing at all.
#[test]
fn parts_without_entries_leave_nothing_behind() {
    let mut world = World::new(1);
    let m = world.matrix(Run(3), Run(2), any);
    let (start, count) = (world.integer(3), world.integer(0));
    let part = world.part(Part::Rows, m, &[start, count]);
    let root = world.apply(Op::Sum, &[part]);
    assert_eq!(
        gradient(&mut world, root)[0].matrix(),
        &DMatrix::zeros(3, 2)
    );
}

// ---- factorisations ----

/// Rank n − 1 and less.
fn singular() -> Vec<DMatrix<f64>> {
    vec![
        dmatrix![0.0],
        dmatrix![1.0, 2.0; 2.0, 4.0],
        DMatrix::zeros(2, 2),
        dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0; 7.0, 8.0, 9.0],
        dmatrix![1.0, 2.0, 3.0; 2.0, 4.0, 6.0; -1.0, -2.0, -3.0],
        dmatrix![1.0, 2.0, 3.0, 4.0; 5.0, 6.0, 7.0, 8.5; 6.0, 8.0, 10.0, 12.5; 1.0, -1.0, 0.5, 2.0],
        dmatrix![1.0, 2.0, 0.0, 0.0; 2.0, 4.0, 0.0, 0.0; 0.0, 0.0, 1.0, 1.0; 0.0, 0.0, 1.0, 1.0],
        DMatrix::zeros(4, 4),
    ]
}

#[test]
fn determinants_of_singular_matrices_have_cofactors_for_gradient() {
    for entries in singular() {
        let gradient = of_matrix(Op::Determinant, entries.clone());
        let n = entries.nrows();
        for k in 0..n * n {
            let mut world = World::new(1);
            let leaf = world.given_matrix(Run(n), Run(n), entries.clone());
            let root = world.apply(Op::Determinant, &[leaf]);
            let unit = Value::Matrix(DMatrix::from_fn(n, n, |i, j| f64::from(i + j * n == k)));
            let difference = world.difference(root, leaf, &unit).number();
            assert!((gradient[k] - difference).abs() < 1e-10, "{entries}");
        }
    }
}

#[test]
fn determinants_of_singular_matrices_have_second_derivatives() {
    for entries in singular() {
        let found = hessian(Op::Determinant, entries.clone());
        for k in 0..entries.len() {
            let mut unit = DMatrix::zeros(entries.nrows(), entries.ncols());
            unit[k] = 1.0;
            let expected = interpreter::cofactors_along(&entries, &[unit]);
            assert_eq!(found.column(k).as_slice(), expected.as_slice(), "{entries}");
        }
    }
}

/// What the runtime calls the same has to mean the same.
#[test]
fn the_runtime_computes_what_the_interpreter_means() {
    let close = |a: &DMatrix<f64>, b: &DMatrix<f64>| (a - b).amax() <= 1e-12 * (1.0 + b.amax());
    let mut world = World::new(7);
    let mut draw = |n: usize| {
        let leaf = world.square(Run(n));
        world.value(leaf).matrix().clone()
    };
    let regular: Vec<DMatrix<f64>> = (1..5).map(&mut draw).collect();
    for m in regular.iter().chain(&singular()) {
        assert!(
            close(&runtime::cofactors(m), &interpreter::cofactors(m)),
            "{m}"
        );
        let [u, v] = [1, 2].map(|k| m.map(|x| (x + f64::from(k)).sin()));
        let along = [u.clone(), v.clone()];
        assert!(close(
            &runtime::cofactors_tangent(m, &u),
            &interpreter::cofactors_along(m, &along[..1])
        ));
        assert!(close(
            &runtime::cofactors_along(m, &along),
            &interpreter::cofactors_along(m, &along)
        ));
        assert!(close(
            &runtime::symmetric_from_lower(m),
            &interpreter::from_lower(m)
        ));
        assert!(close(&runtime::fold_lower(m), &interpreter::fold_lower(m)));
    }
    for m in &regular {
        let direction = draw(m.nrows());
        let transposed = interpreter::inverse(m).transpose();
        assert!(close(&runtime::inverse_transpose(m), &transposed));
        let solved = runtime::lu_tr_solve(&m.clone().lu(), &direction);
        assert!(close(&solved, &(transposed * &direction)));
        let l = interpreter::cholesky_factor(m);
        assert!(close(
            &l,
            &m.clone().cholesky().expect("positive definite").l()
        ));
        let tangent = runtime::cholesky_tangent(&l, &direction);
        assert!(close(
            &tangent,
            &interpreter::cholesky_tangent(&l, &direction)
        ));
        let adjoint = runtime::cholesky_adjoint(&l, &direction);
        assert!(close(
            &adjoint,
            &interpreter::cholesky_adjoint(&l, &direction)
        ));
    }
    let fixed = Matrix3::new(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0);
    assert_eq!(
        runtime::cofactors(&fixed),
        Matrix3::new(-3.0, 6.0, -3.0, 6.0, -12.0, 6.0, -3.0, 6.0, -3.0)
    );
    assert_eq!(
        runtime::cofactors(&Matrix4::<f64>::zeros()),
        Matrix4::zeros()
    );
}

/// Cholesky reads the lower triangle, so that nothing above it has a derivative.
#[test]
fn cholesky_has_no_derivative_above_the_diagonal() {
    use Op::{CholeskyDeterminant, CholeskyFactor, CholeskyInverse, CholeskyLnDeterminant};
    for op in [
        CholeskyInverse,
        CholeskyDeterminant,
        CholeskyLnDeterminant,
        CholeskyFactor,
    ] {
        let mut world = World::new(3);
        let matrix = world.square(Fixed(3));
        let factor = world.apply(Op::Cholesky(Panic::Unwrap), &[matrix]);
        let root = world.apply(op, &[factor]);
        let gradient = gradient(&mut world, root)[0].matrix().clone();
        assert_eq!(
            gradient.upper_triangle(),
            DMatrix::from_diagonal(&gradient.diagonal())
        );
        assert!(gradient.lower_triangle().amax() > 0.0);
    }
}

// ---- branches ----

/// The side that is not taken is not looked at.
#[test]
fn the_other_side_of_a_branch_may_be_undefined() {
    let negative: Domain = |_| -1.0;
    let mut world = World::new(1);
    let x = world.number(negative);
    let zero = world.graph.constant(0.0);
    let condition = world.apply(
        Op::Compare(nalgrad_tests::rules::Comparison::Gt),
        &[x, zero],
    );
    let root_of = world.apply(Op::Scalar(Scalar::Sqrt), &[x]);
    let square = world.apply(Op::PowI(2), &[x]);
    let root = world.apply(Op::Select, &[condition, root_of, square]);
    assert_eq!(gradient(&mut world, root), [Value::Number(-2.0)]);
}
