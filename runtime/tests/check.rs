//! The gradient checker: it accepts what is right and rejects what is wrong, and says where.

use nalgebra::{DMatrix, DVector, Matrix2, Matrix2x3, Matrix3, SMatrix, Vector2, Vector3, dvector};
use nalgrad::check::{self, Check, Failure, Finding, Report};

fn message(result: Result<Report, Failure>) -> String {
    result.expect_err("should be rejected").to_string()
}

#[track_caller]
fn assert_contains(message: &str, part: &str) {
    assert!(message.contains(part), "no `{part}` in:\n{message}");
}

// Accepts what is right

#[test]
fn numbers() {
    check::gradient(|x| x.sin(), &0.7_f64, &0.7_f64.cos()).unwrap();
    check::gradient(|x: &f32| x.exp(), &0.7_f32, &0.7_f32.exp()).unwrap();
    check::gradient(|x| 2.0 - x, &0.0_f64, &-1.0).unwrap();
}

#[test]
fn matrices_of_every_kind() {
    let a = Matrix3::new(2.0_f64, 1.0, 0.5, 0.0, 3.0, 1.0, 1.0, -1.0, 4.0);
    let inverse_transpose = a.try_inverse().unwrap().transpose();
    check::gradient(|a| a.determinant().ln(), &a, &inverse_transpose).unwrap();

    let dynamic = DMatrix::from_column_slice(3, 3, a.as_slice());
    check::gradient(|a| a.determinant().ln(), &dynamic, &inverse_transpose).unwrap();

    let big = DMatrix::from_fn(5, 6, |i, j| (i * 6 + j) as f64 / 10.0 - 1.0);
    let view = big.view_with_steps((1, 0), (2, 3), (1, 1));
    check::gradient(|m| m.map(f64::exp).sum(), &view, &view.map(f64::exp)).unwrap();
    check::gradient(|row| row.norm_squared(), &big.row(1), &(big.row(1) * 2.0)).unwrap();

    let empty = DVector::<f64>::zeros(0);
    let report = check::gradient(|x| x.sum(), &empty, &empty).unwrap();
    assert_eq!(report.comparisons.len(), 0);
}

#[test]
fn single_precision() {
    let x = Vector3::new(0.3_f32, -1.2, 2.5);
    let gradient = x.map(|x| x.cos() + 2.0 * x);
    check::gradient(|x| x.map(|x| x.sin() + x * x).sum(), &x, &gradient).unwrap();
    let wrong = Vector3::new(gradient[0], gradient[1], gradient[2] * 1.02);
    let message = message(check::gradient(
        |x| x.map(|x| x.sin() + x * x).sum(),
        &x,
        &wrong,
    ));
    assert_contains(&message, "1 of 3 entries");
}

#[test]
fn several_parameters() {
    let (w, b, m) = (
        dvector![1.0, -2.0, 0.5],
        0.3,
        Matrix2::new(1.0, 2.0, 3.0, 4.0),
    );
    let f = |(w, b, m): &(DVector<f64>, f64, Matrix2<f64>)| w.norm_squared() * b + m.determinant();
    let cofactors = Matrix2::new(4.0, -3.0, -2.0, 1.0);
    let gradient = (&w * (2.0 * b), w.norm_squared(), cofactors);
    check::gradient(f, &(w.clone(), b, m), &gradient).unwrap();
    // Borrowed just as well, and names in front.
    let check = Check::new().names(["w", "b", "m"]);
    check.gradient(f, &(&w, b, &m), &gradient).unwrap();
}

#[test]
fn arrays_slices_and_lists() {
    let x = [1.0, 2.0, 3.0];
    check::gradient(|x| x[0] * x[1] * x[2], &x, &[6.0_f64, 3.0, 2.0]).unwrap();
    check::gradient(|x| x[0] * x[1] * x[2], &x[..], &vec![6.0_f64, 3.0, 2.0]).unwrap();
    let points = vec![Vector2::new(1.0, 2.0), Vector2::new(-3.0, 0.5)];
    let gradient = vec![points[1], points[0]];
    check::gradient(|p| p[0].dot(&p[1]), &points, &gradient).unwrap();
    check::gradient(
        |(p, s)| p[0].dot(&p[1]) * s,
        &(&points[..], 2.0_f64),
        &(&[points[1] * 2.0, points[0] * 2.0][..], -2.0),
    )
    .unwrap();
}

#[test]
fn functions_that_capture_and_count() {
    let (data, mut calls) = (DMatrix::<f64>::identity(4, 4) * 3.0, 0);
    let x = DVector::repeat(4, 1.5);
    check::gradient(
        |x| {
            calls += 1;
            (&data * x).norm_squared()
        },
        &x,
        &(&data * &data * &x * 2.0),
    )
    .unwrap();
    assert!(calls < 4 * 40, "{calls} calls");
}

#[test]
fn parameters_without_influence() {
    let (x, unused) = (Vector2::new(1.0, 2.0), Vector3::new(0.0, 1.0, -1.0));
    let f = |(x, _): &(Vector2<f64>, Vector3<f64>)| x.norm_squared();
    check::gradient(f, &(x, unused), &(x * 2.0, Vector3::zeros())).unwrap();
    let wrong = (x * 2.0, Vector3::new(0.0, 0.0, 1e-3));
    let message = message(check::gradient(f, &(x, unused), &wrong));
    assert_contains(
        &message,
        "parameter `.1`, entry (2, 0): analytic 0.001, numeric 0 ±",
    );
}

#[test]
fn badly_scaled_points() {
    // Each entry on a scale of its own.
    let scale = Vector3::new(1e8, 1.0, 1e-8);
    let f = |x: &Vector3<f64>| x.component_div(&scale).map(|z| (z * z).sin() + z).sum();
    let x = Vector3::new(1.3e8, -0.4, 0.7e-8);
    let z = x.component_div(&scale);
    let gradient = z
        .map(|z| 2.0 * z * (z * z).cos() + 1.0)
        .component_div(&scale);
    let report = check::gradient(f, &x, &gradient).unwrap();
    assert_eq!(report.lost().count(), 0);
    for k in 0..3 {
        let mut wrong = gradient;
        wrong[k] *= 1.0001;
        let message = message(check::gradient(f, &x, &wrong));
        assert_contains(&message, "1 of 3 entries");
    }

    // One scale for all: small entries of a small slope, and of a large one.
    let x = Vector2::new(1e8, 1e-8);
    check::gradient(|x| x.norm_squared(), &x, &(x * 2.0)).unwrap();
    let f = |x: &Vector2<f64>| x[0] / 1e8 + x[1];
    check::gradient(f, &x, &Vector2::new(1e-8, 1.0)).unwrap();
    message(check::gradient(f, &x, &Vector2::new(1e-8, -1.0)));
    message(check::gradient(f, &x, &Vector2::new(-1e-8, 1.0)));
}

#[test]
fn structure_far_finer_than_the_point() {
    let x = 0.3_f64;
    check::gradient(|x| (1e6 * x).sin(), &x, &(1e6_f64 * (1e6 * x).cos())).unwrap();
    message(check::gradient(
        |x| (1e6 * x).sin(),
        &x,
        &(-1e6_f64 * (1e6 * x).cos()),
    ));
}

#[test]
fn the_border_of_the_domain_is_near() {
    // sqrt is NaN below zero, and the steps may not miss it.
    let x = Vector2::new(1e-6_f64, 1.0);
    let f = |x: &Vector2<f64>| x.map(f64::sqrt).sum();
    check::gradient(f, &x, &x.map(|x| 0.5 / x.sqrt())).unwrap();
    check::gradient(
        |x: &f64| (x - 1.0).sqrt(),
        &1.001,
        &(0.5 / 0.001_f64.sqrt()),
    )
    .unwrap();
}

#[test]
fn a_kink_nearby() {
    let x = Vector2::new(1.0 + 1e-4, 1.0 - 1e-4);
    let f = |x: &Vector2<f64>| x.map(|x| (x - 1.0).max(0.0)).sum();
    check::gradient(f, &x, &Vector2::new(1.0, 0.0)).unwrap();
}

#[test]
fn a_minimum() {
    let x = Vector3::new(1.0, 2.0, 3.0);
    let f = |y: &Vector3<f64>| (y - x).norm_squared() + 7.0;
    check::gradient(f, &x, &Vector3::zeros()).unwrap();
    message(check::gradient(f, &x, &Vector3::new(0.0, 0.0, 1e-4)));
}

#[test]
fn the_numeric_derivative_is_accurate() {
    let x = Vector3::new(0.3, 1.7, -2.2);
    let report = check::gradient(|x| x.map(f64::exp).sum(), &x, &x.map(f64::exp)).unwrap();
    for comparison in &report.comparisons {
        let error = (comparison.analytic - comparison.numeric).abs();
        assert!(error < 1e-9, "{comparison}");
        assert!(comparison.uncertainty < 1e-8, "{comparison}");
        assert_eq!(comparison.finding, Finding::Agrees);
    }
    assert_eq!(
        report.to_string(),
        "3 entries agree with finite differences"
    );
}

// Rejects what is wrong

#[test]
fn a_wrong_sign() {
    let x = dvector![1.0, 2.0, -0.5];
    let message = message(check::gradient(|x| x.norm_squared(), &x, &(&x * -2.0)));
    assert_contains(&message, "3 of 3 entries");
    assert_contains(&message, "entry (0, 0): analytic -2, numeric 2 ±");
    assert_contains(&message, "help: every entry has the wrong sign");
}

#[test]
fn a_factor() {
    let x = dvector![1.0, 2.0, -0.5];
    let message = message(check::gradient(|x| x.norm_squared(), &x, &x));
    assert_contains(&message, "help: every entry is 0.5 times what it should be");
}

#[test]
fn a_dropped_term() {
    let x = Vector2::new(0.4, 1.1);
    // d(x₀ sin x₁)/dx₁ of the second factor only, and of nothing else.
    let f = |x: &Vector2<f64>| x[0] * x[1].sin() + x[1] * 1e-3;
    let message = message(check::gradient(
        f,
        &x,
        &Vector2::new(x[1].sin(), x[0] * x[1].cos()),
    ));
    assert_contains(&message, "1 of 2 entries");
    assert_contains(
        &message,
        "entry (1, 0): analytic 0.181438449, numeric 0.182438449 ±",
    );
}

#[test]
fn one_entry_of_a_thousand() {
    let x = DMatrix::from_fn(40, 25, |i, j| (i as f64 * 0.37 + j as f64 * 0.11).sin());
    let f = |x: &DMatrix<f64>| x.map(|x| x * x * x).sum();
    let gradient = x.map(|x| 3.0 * x * x);
    check::gradient(f, &x, &gradient).unwrap();
    let mut wrong = gradient;
    wrong[(17, 9)] *= 1.0 + 1e-5;
    let failure = check::gradient(f, &x, &wrong).unwrap_err();
    assert_contains(&failure.to_string(), "1 of 1000 entries");
    assert_contains(&failure.to_string(), "\n  entry (17, 9): ");
}

#[test]
fn a_transposed_matrix() {
    let (u, v) = (Vector3::new(1.0, 2.0, 3.0), Vector3::new(-1.0, 0.5, 2.0));
    let f = |a: &Matrix3<f64>| u.dot(&(a * v));
    check::gradient(f, &Matrix3::identity(), &(u * v.transpose())).unwrap();
    let message = message(check::gradient(
        f,
        &Matrix3::identity(),
        &(v * u.transpose()),
    ));
    assert_contains(&message, "help: the gradient looks transposed");
}

#[test]
fn another_shape() {
    let a = Matrix2x3::<f64>::identity();
    let transposed = SMatrix::<f64, 3, 2>::zeros();
    assert_eq!(
        message(check::gradient(|a| a.sum(), &a, &transposed)),
        "the parameter is 2 by 3 but its gradient is 3 by 2"
    );
    let named = Check::new().names(["a", "b"]);
    assert_eq!(
        message(named.gradient(|(a, b)| a.sum() * b, &(a, 1.0), &(transposed, 0.0))),
        "parameter `a` is 2 by 3 but its gradient is 3 by 2"
    );
    assert_eq!(
        message(named.gradient(|(a, b)| a.sum() * b, &(a, 1.0), &0.0)),
        "the parameter is (2 by 3, a number) but its gradient is a number"
    );
    assert_eq!(
        message(check::gradient(|x| x[0], &[1.0, 2.0][..], &[1.0, 0.0, 0.0])),
        "the parameter is [a number; 2] but its gradient is [a number; 3]"
    );
    assert_eq!(
        message(check::gradient(|x| x[0], &dvector![1.0], &1.0)),
        "the parameter is 1 by 1 but its gradient is a number"
    );
}

#[test]
fn too_few_names() {
    let named = Check::new().names(["a"]);
    let result = named.gradient(|(a, b)| a * b, &(1.0_f64, 2.0), &(2.0, 1.0));
    assert_eq!(message(result), "1 names for 2 parameters");
}

#[test]
fn what_is_not_finite() {
    let x = Vector2::new(1.0, 2.0);
    let result = check::gradient(|x| x.sum(), &x, &Vector2::new(1.0, f64::NAN));
    assert_contains(&message(result), "entry (1, 0): analytic NaN, numeric 1 ±");
    let result = check::gradient(|x| x.sum(), &x, &Vector2::new(f64::INFINITY, 1.0));
    assert_contains(&message(result), "entry (0, 0): analytic inf, numeric 1 ±");
    let result = check::gradient(|x| (x[0] - 2.0).ln(), &x, &Vector2::zeros());
    assert_eq!(message(result), "the function's value at this point is NaN");
    let result = check::gradient(|x| x.sqrt(), &0.0_f64, &f64::MAX);
    assert_contains(
        &message(result),
        "but the function is not finite around this point",
    );
    let result = check::gradient(|x| x.sum(), &Vector2::new(f64::NAN, 1.0), &x);
    assert_eq!(message(result), "the function's value at this point is NaN");
}

#[test]
fn a_kink() {
    let x = Vector2::new(0.0, 1.0);
    let f = |x: &Vector2<f64>| x[0].abs() + x[1];
    let result = check::gradient(f, &x, &Vector2::new(0.0, 1.0));
    let message = message(result);
    assert_contains(&message, "1 of 2 entries");
    assert_contains(
        &message,
        "entry (0, 0): analytic 0, but the function has a kink here: its slope is -1 to the left and 1 to the right",
    );
    let result = check::gradient(|x| x.max(0.0), &0.0_f64, &0.0);
    assert!(matches!(
        result.unwrap_err(),
        Failure::Entries(report) if matches!(report.comparisons[0].finding, Finding::Kink { .. })
    ));
}

#[test]
fn a_sharp_bend_is_no_kink() {
    let f = |x: &f64| (x * x + 1e-6).sqrt();
    check::gradient(f, &1e-3, &(1e-3 / f(&1e-3))).unwrap();
    check::gradient(f, &0.0, &0.0).unwrap();
}

#[test]
fn a_jump() {
    let result = check::gradient(|x: &f64| x.floor() + x, &1.0, &1.0);
    assert_contains(
        &message(result),
        "which does not settle as the step shrinks",
    );
}

#[test]
fn unwrap_prints_the_message() {
    let failure = check::gradient(|x| x * x, &3.0_f64, &7.0).unwrap_err();
    assert_eq!(format!("{failure:?}"), failure.to_string());
    assert_contains(
        &failure.to_string(),
        "the parameter: analytic 7, numeric 6 ±",
    );
}

#[test]
fn long_lists_are_cut() {
    let x = DVector::from_fn(100, |i, _| i as f64 + 1.0);
    let result = check::gradient(|x| x.norm_squared(), &x, &DVector::repeat(100, 1.5));
    let message = message(result);
    assert_contains(&message, "100 of 100 entries");
    assert_contains(&message, "… and 88 more");
    assert_eq!(message.lines().count(), 14);
}

#[test]
fn places_in_lists() {
    let points = vec![Vector2::new(1.0, 2.0), Vector2::new(3.0, 4.0)];
    let f = |(p, s): &(Vec<Vector2<f64>>, [f64; 2])| p[0].dot(&p[1]) + s[0] * s[1];
    let wrong = (vec![points[1], points[1]], [6.0, 5.5]);
    let named = Check::new().names(["points", "s"]);
    let message = message(named.gradient(f, &(points, [5.0, 6.0]), &wrong));
    assert_contains(
        &message,
        "parameter `points`[1], entry (0, 0): analytic 3, numeric 1 ±",
    );
    assert_contains(&message, "parameter `s`[1]: analytic 5.5, numeric 5 ±");
}

// Jacobians, forward mode and pullbacks

fn polar(radius: f64, angle: f64) -> Vector2<f64> {
    Vector2::new(radius * angle.cos(), radius * angle.sin())
}

fn polar_jacobian(radius: f64, angle: f64) -> (Vector2<f64>, Vector2<f64>) {
    let (sin, cos) = angle.sin_cos();
    (
        Vector2::new(cos, sin),
        Vector2::new(-radius * sin, radius * cos),
    )
}

#[test]
fn jacobians_in_numerator_layout() {
    let f = |(r, a): &(f64, f64)| polar(*r, *a);
    let report = check::jacobian(f, &(2.0, 0.5), &polar_jacobian(2.0, 0.5)).unwrap();
    assert_eq!(report.comparisons.len(), 4);
    check::jacobian(|x: &f64| x.sin(), &0.5, &0.5_f64.cos()).unwrap();
    let m = Matrix2x3::new(1.0, 2.0, 3.0, 4.0, 5.0, 6.0);
    let x = Vector3::new(0.1, -0.2, 0.3);
    check::jacobian(|x| m * x, &x, &m).unwrap();
    check::jacobian(
        |x: &Vector3<f64>| x[0] * x[1],
        &x,
        &x.map(|_| 0.0).transpose(),
    )
    .unwrap_err();
    // A list is one parameter and one result; a tuple inside a tuple is one parameter.
    let lists = |(x, (a, b)): &([f64; 2], (f64, f64))| [x[0] * a, x[1] * b, a + b];
    let by_x = SMatrix::<f64, 3, 2>::new(3.0, 0.0, 0.0, 4.0, 0.0, 0.0);
    let by_pair = SMatrix::<f64, 3, 2>::new(1.0, 0.0, 0.0, 2.0, 1.0, 1.0);
    check::jacobian(lists, &([1.0, 2.0], (3.0, 4.0)), &(by_x, by_pair)).unwrap();
    // A tuple that is returned gives a tuple outside, one inside it too.
    let nested = |x: &Vector2<f64>| (x * 2.0, (x[0] * x[1], [x[0]; 2]));
    let y = Vector2::new(0.5, 3.0);
    let first = Matrix2::identity() * 2.0;
    let second = SMatrix::<f64, 1, 2>::new(3.0, 0.5);
    let third = Matrix2::new(1.0, 0.0, 1.0, 0.0);
    check::jacobian(nested, &y, &(first, (second, third))).unwrap();
}

#[test]
fn wrong_jacobians() {
    let f = |(r, a): &(f64, f64)| polar(*r, *a);
    let (by_r, by_a) = polar_jacobian(2.0, 0.5);
    let named = Check::new().names(["r", "a"]);
    let text = message(named.jacobian(f, &(2.0, 0.5), &(by_r, by_a * -1.0)));
    assert_contains(&text, "2 of 4 entries of the Jacobian do not agree");
    assert_contains(&text, "entry (1, 0) of the result by parameter `a`: ");
    let text = message(check::jacobian(f, &(2.0, 0.5), &(by_r.transpose(), by_a)));
    assert_eq!(
        text,
        "the Jacobian should be (2 by 1, 2 by 1) but is (1 by 2, 2 by 1)"
    );
    let pair = |x: &Vector2<f64>| (x[0], x * x[1]);
    let j = (
        SMatrix::<f64, 1, 2>::new(1.0, 0.0),
        Matrix2::new(3.0, 0.5, 0.0, 5.0),
    );
    let text = message(check::jacobian(pair, &Vector2::new(0.5, 3.0), &j));
    assert_contains(&text, "1 of 6 entries");
    assert_contains(
        &text,
        "entry (1, 0) of the result.1 by entry (1, 0): analytic 5, numeric 6 ±",
    );
}

#[test]
fn forward_mode() {
    let (x, s) = (dvector![0.4, -0.9, 0.1], 1.5_f64);
    let f = |(x, s): &(DVector<f64>, f64)| x.map(f64::tanh) * *s;
    let right = |(dx, ds): &(DVector<f64>, f64)| {
        let slope = x.map(|e: f64| s * (1.0 - e.tanh().powi(2)));
        let tangent = slope.component_mul(dx) + x.map(f64::tanh) * *ds;
        (f(&(x.clone(), s)), tangent)
    };
    let report = check::jvp(f, &(&x, s), right).unwrap();
    assert_eq!(report.comparisons.len(), 12);
    let text = message(check::jvp(f, &(&x, s), |d| (right(d).0, right(d).1 * 2.0)));
    assert_contains(&text, "every entry is 2 times what it should be");
    // What does not depend on the direction.
    check::jvp(f, &(&x, s), |d| (right(d).0, x.clone())).unwrap_err();
    let text = message(check::jvp(f, &(&x, s), |d| (right(d).0 * 1.5, right(d).1)));
    assert_contains(
        &text,
        "the value that comes with the derivative is not the function's",
    );
    let text = message(check::jvp(f, &(&x, s), |d| (right(d).0, dvector![1.0])));
    assert_eq!(text, "the result is 3 by 1 but its tangent is 1 by 1");
}

#[test]
fn pullbacks() {
    let (a, x) = (Matrix2::new(0.3, -0.4, 1.1, 0.2), Vector2::new(0.5, -0.7));
    let f = |(a, x): &(Matrix2<f64>, Vector2<f64>)| (a * x, x.norm_squared());
    let value = f(&(a, x));
    let pullback = |(y_bar, n_bar): (Vector2<f64>, f64)| {
        (y_bar * x.transpose(), a.tr_mul(&y_bar) + x * 2.0 * n_bar)
    };
    let report = check::vjp(f, &(a, x), (value, pullback)).unwrap();
    assert_eq!(report.comparisons.len(), 18);
    let transposed = |y: (Vector2<f64>, f64)| (pullback(y).0.transpose(), pullback(y).1);
    let text = message(check::vjp(f, &(a, x), (value, transposed)));
    assert_contains(&text, "of the result.0 by parameter `.0`, entry (");
    // A pullback that does not look at its cotangent.
    let text = message(check::vjp(|x| x * x, &3.0_f64, (9.0, |_| 6.0)));
    assert_contains(
        &text,
        "the result by the parameter: analytic 3, numeric 6 ±",
    );
    let text = message(check::vjp(
        |x| x * x,
        &3.0_f64,
        (8.0, |y_bar: f64| 6.0 * y_bar),
    ));
    assert_contains(&text, "entry 0 is 8.0, not 9.0");
    let text = message(check::vjp(|x| x.norm(), &x, (x.norm(), |_| 1.0)));
    assert_eq!(text, "the parameter is 2 by 1 but its gradient is a number");
}
