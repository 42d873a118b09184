//! Values by convention, for gradients: each point of the contract is a test.

#[path = "paper/oracle.rs"]
#[macro_use]
mod oracle;

use nalgebra::{
    DMatrix, DMatrixView, DVector, DVectorView, Matrix2, Matrix3, Matrix4, RowVector3, SMatrix,
    SVector, Vector2, Vector3, Vector4,
};
use nalgrad::gradient;
use oracle::{
    BY_DIFFERENCES, Entries, Lcg, Tolerance, assert_same, cofactors, determinant, dynamic,
    panic_message,
};
use oracle::{fixed, slope, slopes, value_difference};
use std::cell::RefCell;

/// Sums of products in another order than the oracle's.
const CLOSE: Tolerance = Tolerance::Normwise(1e-12);

// The value is f's, bit for bit.

// Bodies whose value changes in the last bits, or in the sign of a zero, when someone simplifies or reorders them.

#[gradient]
fn cube(x: f64, y: f64) -> f64 {
    x * x * x + y
}

#[gradient]
fn cube_powi(x: f64, y: f64) -> f64 {
    x.powi(3) - y.powi(-2)
}

#[gradient]
fn sums(x: f64, y: f64) -> f64 {
    (x + 1e8) - 1e8 + (0.1 + y) + 0.2
}

#[gradient]
fn negations(x: f64, y: f64) -> f64 {
    -(x - y) + (0.0 - x)
}

#[gradient]
fn zeros(x: f64, y: f64) -> f64 {
    0.0 * x + -0.0 * y
}

#[gradient]
fn plus_zero(x: f64, y: f64) -> f64 {
    (x + 0.0) * (y - 0.0)
}

#[gradient]
fn quotients(x: f64, y: f64) -> f64 {
    x / 3.0 + x / y / 7.0
}

#[gradient]
fn roots(x: f64, y: f64) -> f64 {
    x.powi(2).sqrt() + y.sqrt().powi(2)
}

#[gradient]
fn logarithms(x: f64, y: f64) -> f64 {
    x.exp().ln() + (y * y).ln()
}

#[gradient]
fn circle(x: f64, y: f64) -> f64 {
    x.sin().powi(2) + x.cos().powi(2) + y.tan() * y.cos()
}

#[gradient]
fn powers(x: f64, y: f64) -> f64 {
    x.powf(y) + x.powf(2.0) + x.powf(0.5)
}

#[gradient]
fn sides(x: f64, y: f64) -> f64 {
    if x < y {
        x * 0.1 + y
    } else {
        x.max(y) - y.min(0.5)
    }
}

#[gradient]
fn singles(x: f32, y: f32) -> f32 {
    (x + 0.1) * 0.3 - x * x * y / 3.0 + y.exp().ln()
}

#[test]
fn the_value_of_a_scalar_body_is_the_same_bit_for_bit() {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-310,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let random = &mut Lcg(2);
    let mut inputs: Vec<(f64, f64)> = (0..200)
        .map(|_| (3.0 * random.draw(), 3.0 * random.draw()))
        .collect();
    inputs.extend(special.iter().flat_map(|x| special.map(|y| (*x, y))));
    macro_rules! same {
        ($($f:ident $both:ident $t:ident;)*) => {
            for (x, y) in inputs {
                $({
                    let (x, y) = (x as $t, y as $t);
                    let difference = value_difference($both(x, y).0, $f(x, y));
                    assert_same(&format!("{} at {x:e}, {y:e}", stringify!($both)), difference);
                })*
            }
        };
    }
    same! {
        cube cube_value_and_gradient f64;
        cube_powi cube_powi_value_and_gradient f64;
        sums sums_value_and_gradient f64;
        negations negations_value_and_gradient f64;
        zeros zeros_value_and_gradient f64;
        plus_zero plus_zero_value_and_gradient f64;
        quotients quotients_value_and_gradient f64;
        roots roots_value_and_gradient f64;
        logarithms logarithms_value_and_gradient f64;
        circle circle_value_and_gradient f64;
        powers powers_value_and_gradient f64;
        sides sides_value_and_gradient f64;
        singles singles_value_and_gradient f32;
    }
}

#[gradient]
fn matrix_chain(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    (a * a * x).sum() + (x.transpose() * a * x)[0]
}

#[gradient]
fn matrix_fusion(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    let scaled = (a * 0.1 + a.transpose() * 0.7 - a / 3.0).map(|v| v.sin() * 0.3 + 0.1);
    scaled.norm_squared() + scaled.mean() * x.norm() + x.add_scalar(0.1).dot(x) + a.trace()
}

#[gradient]
fn matrix_sums(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    (a + a).sum() / 3.0 + x.fold(0.1, |s, v| s + v * v) + x.component_mul(x).sum() + x.max()
        - a.amax()
}

#[gradient]
fn matrix_inverse(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    let inverse = a.clone().try_inverse().unwrap();
    (&inverse * x).dot(x) + a.determinant().abs().ln() + (inverse * a).trace()
}

#[gradient]
fn static_chain(a: &Matrix3<f64>, x: &Vector3<f64>) -> f64 {
    let y = a * a * x;
    y.normalize().dot(x) + a.determinant() * y.norm() + (a - a.transpose()).norm_squared() / 3.0
}

#[test]
fn the_value_of_a_matrix_body_is_the_same_bit_for_bit() {
    macro_rules! same {
        ($f:ident, $both:ident, $a:expr, $x:expr) => {
            assert_same(
                stringify!($both),
                value_difference($both($a, $x).0, $f($a, $x)),
            );
        };
    }
    let random = &mut Lcg(3);
    for n in (1..20).cycle().take(100) {
        let (a, x) = (random.matrix(n, n), random.vector(n));
        same!(matrix_chain, matrix_chain_value_and_gradient, &a, &x);
        same!(matrix_fusion, matrix_fusion_value_and_gradient, &a, &x);
        same!(matrix_sums, matrix_sums_value_and_gradient, &a, &x);
        same!(matrix_inverse, matrix_inverse_value_and_gradient, &a, &x);
        let (a, x) = (random.fixed(), random.fixed());
        same!(static_chain, static_chain_value_and_gradient, &a, &x);
    }
}

// Ties.

#[gradient]
fn relu(z: f64) -> f64 {
    z.max(0.0)
}

#[gradient]
fn relu_entries(z: &DVector<f64>) -> f64 {
    z.map(|z| z.max(0.0)).sum()
}

#[test]
fn relu_at_zero_is_zero() {
    for (z, want) in [(0.0, 0.0), (-0.0, 0.0), (1e-300, 1.0), (-1e-300, 0.0)] {
        check!(relu, relu_gradient, relu_value_and_gradient; (z) => want);
    }
    let z = DVector::from_vec(vec![0.0, 2.0, -0.0, -1.0]);
    check!(
        relu_entries, relu_entries_gradient, relu_entries_value_and_gradient;
        (&z) => DVector::from_vec(vec![0.0, 1.0, 0.0, 0.0])
    );
}

#[gradient]
fn larger(a: f64, b: f64) -> f64 {
    a.max(b)
}

#[gradient]
fn smaller(a: f64, b: f64) -> f64 {
    f64::min(a, b)
}

#[gradient]
fn larger_entries(a: &Vector3<f64>, b: &Vector3<f64>) -> f64 {
    a.zip_map(b, |p, q| p.max(q)).sum()
}

#[gradient]
fn smaller_entries(a: &DVector<f64>, b: &DVector<f64>) -> f64 {
    a.zip_map(b, |p, q| q.min(p)).sum()
}

#[gradient]
fn larger_of_itself(x: f64) -> f64 {
    3.0 * x.max(x)
}

#[test]
fn a_tie_of_two_arguments_gives_each_a_half() {
    for (a, b, want) in [
        (1.0, 2.0, (0.0, 1.0)),
        (2.0, 1.0, (1.0, 0.0)),
        (1.5, 1.5, (0.5, 0.5)),
        (0.0, -0.0, (0.5, 0.5)),
    ] {
        check!(larger, larger_gradient, larger_value_and_gradient; (a, b) => want);
        check!(smaller, smaller_gradient, smaller_value_and_gradient; (a, b) => (want.1, want.0));
    }
    let (a, b) = (Vector3::new(1.0, 2.0, 3.0), Vector3::new(0.0, 2.0, 4.0));
    check!(
        larger_entries, larger_entries_gradient, larger_entries_value_and_gradient;
        (&a, &b) => (Vector3::new(1.0, 0.5, 0.0), Vector3::new(0.0, 0.5, 1.0))
    );
    let (a, b) = (
        DVector::from_vec(vec![1.0, 2.0, 3.0]),
        DVector::from_vec(vec![0.0, 2.0, 4.0]),
    );
    check!(
        smaller_entries, smaller_entries_gradient, smaller_entries_value_and_gradient;
        (&a, &b) => (DVector::from_vec(vec![0.0, 0.5, 1.0]), DVector::from_vec(vec![1.0, 0.5, 0.0]))
    );
    check!(larger_of_itself, larger_of_itself_gradient, larger_of_itself_value_and_gradient; (2.0) => 3.0);
}

#[gradient(wrt(a))]
fn larger_than_a_parameter(a: f64, b: f64) -> f64 {
    a.max(b)
}

#[gradient(wrt(b))]
fn larger_than_the_other(a: f64, b: f64) -> f64 {
    a.max(b)
}

#[gradient(wrt(a))]
fn larger_than_computed_from_a_parameter(a: f64, b: f64, n: usize) -> f64 {
    let bound = b.abs() + n as f64;
    bound.max(a)
}

#[gradient(wrt(a))]
fn larger_entries_than_a_parameter(a: &DVector<f64>, b: &DVector<f64>) -> f64 {
    a.zip_map(b, |p, q| p.max(q)).sum()
}

#[gradient(wrt(a))]
fn entries_larger_than_a_captured_parameter(a: &DVector<f64>, b: f64) -> f64 {
    a.map(|p| p.min(b)).sum()
}

#[test]
fn at_a_tie_with_a_parameter_outside_wrt_it_is_a_half_too() {
    check!(
        larger_than_a_parameter, larger_than_a_parameter_gradient, larger_than_a_parameter_value_and_gradient;
        (2.0, 2.0) => 0.5
    );
    check!(
        larger_than_the_other, larger_than_the_other_gradient, larger_than_the_other_value_and_gradient;
        (2.0, 2.0) => 0.5
    );
    check!(
        larger_than_computed_from_a_parameter,
        larger_than_computed_from_a_parameter_gradient,
        larger_than_computed_from_a_parameter_value_and_gradient;
        (3.0, -2.0, 1) => 0.5
    );
    let (a, b) = (
        DVector::from_vec(vec![1.0, 2.0, 3.0]),
        DVector::from_vec(vec![0.0, 2.0, 4.0]),
    );
    check!(
        larger_entries_than_a_parameter,
        larger_entries_than_a_parameter_gradient,
        larger_entries_than_a_parameter_value_and_gradient;
        (&a, &b) => DVector::from_vec(vec![1.0, 0.5, 0.0])
    );
    check!(
        entries_larger_than_a_captured_parameter,
        entries_larger_than_a_captured_parameter_gradient,
        entries_larger_than_a_captured_parameter_value_and_gradient;
        (&a, 2.0) => DVector::from_vec(vec![1.0, 0.5, 0.0])
    );
}

const FLOOR: f64 = 0.5;

#[gradient]
fn above_a_literal(x: f64) -> f64 {
    0.5_f64.max(x)
}

#[gradient]
fn above_a_constant(x: f64) -> f64 {
    x.max(FLOOR)
}

#[gradient]
fn above_a_local_constant(x: f64) -> f64 {
    const HALVES: i32 = 1;
    let floor = f64::from(HALVES) / 2.0;
    floor.max(x)
}

#[gradient]
fn below_a_literal(x: f64) -> f64 {
    x.min(0.5)
}

#[gradient]
fn entries_above_a_constant(x: &Vector2<f64>) -> f64 {
    x.map(|v| FLOOR.max(v)).sum()
}

#[gradient]
fn entries_above_constants(x: &Vector2<f64>) -> f64 {
    let floor = Vector2::new(FLOOR, 0.0);
    x.zip_map(&floor, |v, f| v.max(f)).sum()
}

#[test]
fn at_a_tie_with_a_constant_the_constant_wins() {
    check!(above_a_literal, above_a_literal_gradient, above_a_literal_value_and_gradient; (0.5) => 0.0);
    check!(above_a_constant, above_a_constant_gradient, above_a_constant_value_and_gradient; (0.5) => 0.0);
    check!(
        above_a_local_constant, above_a_local_constant_gradient, above_a_local_constant_value_and_gradient;
        (0.5) => 0.0
    );
    check!(below_a_literal, below_a_literal_gradient, below_a_literal_value_and_gradient; (0.5) => 0.0);
    let x = Vector2::new(0.5, 0.75);
    check!(
        entries_above_a_constant, entries_above_a_constant_gradient, entries_above_a_constant_value_and_gradient;
        (&x) => Vector2::new(0.0, 1.0)
    );
    check!(
        entries_above_constants, entries_above_constants_gradient, entries_above_constants_value_and_gradient;
        (&x) => Vector2::new(0.0, 1.0)
    );
}

#[gradient]
fn clamped(x: f64) -> f64 {
    x.clamp(-1.0, 1.0)
}

#[gradient]
fn clamped_between(x: f64, low: f64, high: f64) -> f64 {
    x.clamp(low, high)
}

#[gradient(wrt(x))]
fn clamped_between_parameters(x: f64, low: f64, high: f64) -> f64 {
    x.clamp(low, high)
}

#[gradient]
fn clamped_entries(x: &Vector4<f64>) -> f64 {
    x.map(|v| v.clamp(-1.0, 1.0)).sum()
}

#[test]
fn clamp_at_its_bounds_follows_the_same_rule() {
    for (x, want) in [(-2.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (1.0, 0.0), (2.0, 0.0)] {
        check!(clamped, clamped_gradient, clamped_value_and_gradient; (x) => want);
    }
    let cases = [
        (-2.0, (0.0, 1.0, 0.0)),
        (-1.0, (0.5, 0.5, 0.0)),
        (0.5, (1.0, 0.0, 0.0)),
        (1.0, (0.5, 0.0, 0.5)),
        (2.0, (0.0, 0.0, 1.0)),
    ];
    for (x, want) in cases {
        check!(
            clamped_between, clamped_between_gradient, clamped_between_value_and_gradient;
            (x, -1.0, 1.0) => want
        );
        check!(
            clamped_between_parameters,
            clamped_between_parameters_gradient,
            clamped_between_parameters_value_and_gradient;
            (x, -1.0, 1.0) => want.0
        );
    }
    check!(
        clamped_entries, clamped_entries_gradient, clamped_entries_value_and_gradient;
        (&Vector4::new(-1.0, 0.0, 1.0, 2.0)) => Vector4::new(0.0, 1.0, 0.0, 0.0)
    );
}

// Kinks and poles of one operation.

#[gradient]
fn absolute(x: f64) -> f64 {
    x.abs()
}

#[gradient]
fn absolute_entries(x: &Vector3<f64>) -> f64 {
    x.abs().sum() + x.map(|v| v.abs()).sum()
}

#[gradient]
fn sign_of(x: f64) -> f64 {
    x.signum()
}

#[gradient]
fn length(x: &Vector3<f64>) -> f64 {
    x.norm()
}

#[gradient]
fn length_dynamic(x: &DMatrix<f64>) -> f64 {
    2.0 * x.norm()
}

#[test]
fn abs_signum_and_norm_at_zero_have_derivative_zero() {
    for (x, want) in [(0.0, 0.0), (-0.0, 0.0), (2.0, 1.0), (-2.0, -1.0)] {
        check!(absolute, absolute_gradient, absolute_value_and_gradient; (x) => want);
        check!(sign_of, sign_of_gradient, sign_of_value_and_gradient; (x) => 0.0);
    }
    check!(
        absolute_entries, absolute_entries_gradient, absolute_entries_value_and_gradient;
        (&Vector3::new(0.0, -3.0, 3.0)) => Vector3::new(0.0, -2.0, 2.0)
    );
    check!(length, length_gradient, length_value_and_gradient; (&Vector3::zeros()) => Vector3::zeros());
    let x = Vector3::new(3.0, 0.0, -4.0);
    check!(length, length_gradient, length_value_and_gradient; (&x) => Vector3::new(0.6, 0.0, -0.8));
    let zero = DMatrix::zeros(2, 3);
    check!(length_dynamic, length_dynamic_gradient, length_dynamic_value_and_gradient; (&zero) => zero.clone());
}

#[gradient(wrt(x))]
fn direction(x: &Vector3<f64>, c: &Vector3<f64>) -> f64 {
    x.normalize().dot(c)
}

#[test]
fn normalize_projects_on_the_tangent_plane() {
    let random = &mut Lcg(4);
    for _ in 0..10 {
        let (x, c) = (random.fixed::<3, 1>(), random.fixed::<3, 1>());
        let n = (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]).sqrt();
        let along = (0..3).map(|i| x[i] * c[i]).sum::<f64>() / n;
        let want = Vector3::from_fn(|i, _| (c[i] - along * x[i] / n) / n);
        check!(direction, direction_gradient, direction_value_and_gradient; (&x, &c) => want, CLOSE);
    }
    // There is no direction at zero: the value is NaN, as f's is, and nothing panics.
    assert!(direction(&Vector3::zeros(), &Vector3::x()).is_nan());
    assert!(
        direction_value_and_gradient(&Vector3::zeros(), &Vector3::x())
            .0
            .is_nan()
    );
    direction_gradient(&Vector3::zeros(), &Vector3::x());
}

#[gradient]
fn root(x: f64) -> f64 {
    x.sqrt()
}

#[gradient]
fn logarithm(x: f64) -> f64 {
    x.ln()
}

#[test]
fn the_derivative_of_sqrt_at_zero_is_infinite() {
    check!(root, root_gradient, root_value_and_gradient; (0.0) => f64::INFINITY);
    check!(root, root_gradient, root_value_and_gradient; (4.0) => 0.25);
}

#[test]
fn outside_the_domain_the_value_is_nan_and_the_derivative_the_formula() {
    check!(root, root_gradient, root_value_and_gradient; (-1.0) => f64::NAN);
    check!(logarithm, logarithm_gradient, logarithm_value_and_gradient; (-2.0) => -0.5);
    check!(logarithm, logarithm_gradient, logarithm_value_and_gradient; (0.0) => f64::INFINITY);
}

#[gradient(wrt(x))]
fn integer_power(x: f64, n: i32) -> f64 {
    x.powi(n)
}

#[gradient]
fn literal_powers(x: f64) -> f64 {
    x.powi(0) + x.powi(1) + x.powi(2) + x.powf(0.0) + x.powf(1.0) + x.powf(2.0)
}

#[gradient]
fn power(x: f64, y: f64) -> f64 {
    x.powf(y)
}

#[test]
fn powers_at_zero_have_no_nan() {
    for (n, want) in [
        (0, 0.0),
        (1, 1.0),
        (2, 0.0),
        (3, 0.0),
        (-1, f64::NEG_INFINITY),
    ] {
        check!(integer_power, integer_power_gradient, integer_power_value_and_gradient; (0.0, n) => want);
    }
    check!(literal_powers, literal_powers_gradient, literal_powers_value_and_gradient; (0.0) => 2.0);
    for (y, want) in [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (2.5, 0.0)] {
        // At y = 0 the function of y is not continuous.
        let (_, (dx, dy)) = power_value_and_gradient(0.0, y);
        assert_eq!((dx, power_gradient(0.0, y).0), (want, want), "x^{y}");
        assert!(
            y == 0.0 || (dy, power_gradient(0.0, y).1) == (0.0, 0.0),
            "∂/∂y of x^{y}"
        );
    }
    // A negative base, where the power is an integer.
    assert_eq!(power_gradient(-2.0, 3.0).0, 12.0);
    assert_eq!(power_gradient(-2.0, 0.0).0, 0.0);
    check!(power, power_gradient, power_value_and_gradient; (2.0, 3.0) => (12.0, 8.0 * 2.0_f64.ln()));
}

// Reductions select one entry.

#[gradient]
fn maximum(v: &DVector<f64>) -> f64 {
    v.max()
}

#[gradient]
fn minimum(v: &Matrix2<f64>) -> f64 {
    v.min()
}

#[gradient]
fn largest_magnitude(v: &Matrix2<f64>) -> f64 {
    v.amax()
}

#[gradient]
fn smallest_magnitude(v: &DVector<f64>) -> f64 {
    v.amin()
}

#[test]
fn reductions_select_the_first_of_equals() {
    for (v, want) in [
        ([1.0, 5.0, 2.0], [0.0, 1.0, 0.0]),
        ([3.0, 1.0, 3.0], [1.0, 0.0, 0.0]),
        ([2.0; 3], [1.0, 0.0, 0.0]),
    ] {
        let (v, want) = (
            DVector::from_column_slice(&v),
            DVector::from_column_slice(&want),
        );
        check!(maximum, maximum_gradient, maximum_value_and_gradient; (&v) => want);
    }
    // Column-major: (1, 0) comes before (0, 1).
    check!(
        minimum, minimum_gradient, minimum_value_and_gradient;
        (&Matrix2::new(2.0, -1.0, -1.0, 3.0)) => Matrix2::new(0.0, 0.0, 1.0, 0.0)
    );
    check!(
        largest_magnitude, largest_magnitude_gradient, largest_magnitude_value_and_gradient;
        (&Matrix2::new(2.0, 3.0, -3.0, 1.0)) => Matrix2::new(0.0, 0.0, -1.0, 0.0)
    );
    for (v, want) in [
        ([-2.0, 2.0, 5.0], [-1.0, 0.0, 0.0]),
        ([4.0, 3.0, -3.0], [0.0, 1.0, 0.0]),
    ] {
        let (v, want) = (
            DVector::from_column_slice(&v),
            DVector::from_column_slice(&want),
        );
        check!(smallest_magnitude, smallest_magnitude_gradient, smallest_magnitude_value_and_gradient; (&v) => want);
    }
}

// Determinants of singular matrices: cofactors.

#[gradient]
fn det2(a: &Matrix2<f64>) -> f64 {
    a.determinant()
}

#[gradient]
fn det3(a: &Matrix3<f64>) -> f64 {
    a.determinant()
}

#[gradient]
fn det4(a: &Matrix4<f64>) -> f64 {
    a.determinant()
}

#[gradient]
fn det(a: &DMatrix<f64>) -> f64 {
    a.determinant()
}

/// Checks each determinant that has the size of `a`.
fn check_determinant(a: &DMatrix<f64>) {
    let want = cofactors(a);
    check!(det, det_gradient, det_value_and_gradient; (a) => want.clone(), CLOSE);
    match a.nrows() {
        2 => {
            check!(det2, det2_gradient, det2_value_and_gradient; (&fixed(a)) => fixed(&want), CLOSE)
        }
        3 => {
            check!(det3, det3_gradient, det3_value_and_gradient; (&fixed(a)) => fixed(&want), CLOSE)
        }
        4 => {
            check!(det4, det4_gradient, det4_value_and_gradient; (&fixed(a)) => fixed(&want), CLOSE)
        }
        _ => (),
    }
}

#[test]
fn the_gradient_of_a_determinant_is_its_cofactors() {
    let random = &mut Lcg(5);
    for n in 1..6 {
        check_determinant(&random.matrix(n, n));
    }
}

#[test]
fn the_gradient_of_a_singular_determinant_is_its_cofactors() {
    let random = &mut Lcg(6);
    for n in 2..6 {
        // diag(1, …, 1, 0): the last cofactor is 1; diag(1, …, 0, 0): all are 0; and the zero matrix.
        for rank in [n - 1, n - 2, 0] {
            let a = DMatrix::from_fn(n, n, |i, j| if i == j && i < rank { 1.0 } else { 0.0 });
            assert_eq!(cofactors(&a).sum(), if rank == n - 1 { 1.0 } else { 0.0 });
            check_determinant(&a);
        }
        // Two equal rows of small integers: singular exactly.
        let mut a = random.matrix(n, n).map(|v| (4.0 * v).round());
        let row = a.row(0).into_owned();
        a.set_row(n - 1, &row);
        assert_eq!(determinant(&a), 0.0);
        check_determinant(&a);
    }
}

// What f panics with, the companions panic with.

#[gradient]
fn asserts(x: f64) -> f64 {
    assert!(x > 0.0, "x must be positive, not {x}");
    3.0 * x
}

#[gradient]
fn unwraps(a: &Matrix2<f64>) -> f64 {
    a.try_inverse().unwrap().trace()
}

#[gradient]
fn expects(a: &DMatrix<f64>) -> f64 {
    let inverse = a.clone().try_inverse().expect("the stiffness is regular");
    inverse.sum()
}

#[gradient]
fn unwraps_in_vain(a: &Matrix2<f64>) -> f64 {
    let _inverse = a.try_inverse().unwrap();
    a.trace()
}

#[gradient]
fn factors_in_vain(a: &DMatrix<f64>) -> f64 {
    let _factor = a.clone().cholesky().expect("positive definite");
    a.trace()
}

#[gradient]
fn indexes(x: &DVector<f64>) -> f64 {
    x[0] * x[3]
}

#[gradient]
fn indexes_in_vain(x: &DVector<f64>) -> f64 {
    let _unused = x[3];
    2.0 * x[0]
}

#[gradient]
fn matrix_in_vain(m: &DMatrix<f64>) -> f64 {
    let _unused = m[(0, 3)] * 2.0;
    m.sum()
}

#[gradient(wrt(x))]
fn divides_integers(x: f64, n: usize) -> f64 {
    let share = 6 / n;
    x + share as f64
}

#[test]
fn panics_come_through_with_their_message() {
    macro_rules! same_panic {
        ($($f:ident $gradient:ident $both:ident ($($argument:expr),*): $part:literal;)*) => {
            $({
                let message = panic_message(|| $f($($argument),*)).expect(concat!(stringify!($f), " panics"));
                assert!(message.contains($part), "{message}");
                assert_eq!(panic_message(|| $both($($argument),*)).as_ref(), Some(&message));
                assert_eq!(panic_message(|| $gradient($($argument),*)).as_ref(), Some(&message));
            })*
        };
    }
    let (short, square) = (DVector::from_vec(vec![1.0, 2.0, 3.0]), DMatrix::zeros(2, 2));
    same_panic! {
        asserts asserts_gradient asserts_value_and_gradient (-1.0): "x must be positive, not -1";
        unwraps unwraps_gradient unwraps_value_and_gradient (&Matrix2::repeat(1.0)): "`None` value";
        expects expects_gradient expects_value_and_gradient (&square): "the stiffness is regular";
        unwraps_in_vain unwraps_in_vain_gradient unwraps_in_vain_value_and_gradient (&Matrix2::zeros()): "`None` value";
        factors_in_vain factors_in_vain_gradient factors_in_vain_value_and_gradient (&square): "positive definite";
        indexes indexes_gradient indexes_value_and_gradient (&short): "out of bounds";
        indexes_in_vain indexes_in_vain_gradient indexes_in_vain_value_and_gradient (&short): "out of bounds";
        matrix_in_vain matrix_in_vain_gradient matrix_in_vain_value_and_gradient (&square): "out of bounds";
        divides_integers divides_integers_gradient divides_integers_value_and_gradient (1.0, 0): "divide by zero";
    }
    check!(asserts, asserts_gradient, asserts_value_and_gradient; (2.0) => 3.0);
    check!(divides_integers, divides_integers_gradient, divides_integers_value_and_gradient; (1.0, 4) => 1.0);
    check!(
        unwraps_in_vain, unwraps_in_vain_gradient, unwraps_in_vain_value_and_gradient;
        (&Matrix2::new(1.0, 2.0, 3.0, 4.0)) => Matrix2::identity()
    );
}

#[gradient]
fn inner(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    w.dot(x)
}

#[gradient]
fn entrywise(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    (w.component_mul(x) + w).sum()
}

#[gradient]
fn residual(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a * x - b).norm_squared()
}

#[test]
fn a_mismatch_of_dimensions_never_gives_a_gradient_of_the_wrong_shape() {
    let [two, three] = [2, 3].map(|n| DVector::from_element(n, 1.0));
    macro_rules! refused {
        ($($f:ident $gradient:ident $both:ident ($($argument:expr),*);)*) => {
            $({
                assert!(panic_message(|| $f($($argument),*)).is_some());
                assert!(panic_message(|| $both($($argument),*)).is_some());
                let mut gradient = None;
                if panic_message(|| gradient = Some($gradient($($argument),*))).is_none() {
                    let parameters = ($($argument.clone(),)*);
                    assert_eq!(gradient.unwrap().shape(), parameters.shape(), stringify!($gradient));
                }
            })*
        };
    }
    refused! {
        inner inner_gradient inner_value_and_gradient (&two, &three);
        inner inner_gradient inner_value_and_gradient (&three, &two);
        entrywise entrywise_gradient entrywise_value_and_gradient (&two, &three);
        residual residual_gradient residual_value_and_gradient (&DMatrix::from_element(3, 2, 1.0), &three, &three);
        residual residual_gradient residual_value_and_gradient (&DMatrix::from_element(3, 2, 1.0), &two, &two);
    }
}

// Inert effects happen exactly once, in order.

type Log = RefCell<Vec<&'static str>>;

fn note(log: &Log, what: &'static str) -> f64 {
    log.borrow_mut().push(what);
    2.0
}

/// The derivative needs `factor` and the condition, not `offset`, nor what the bare calls return.
#[gradient(wrt(x))]
fn noted(x: f64, log: &Log) -> f64 {
    note(log, "start");
    let factor = note(log, "factor");
    let y = x * factor;
    log.borrow_mut().push("method");
    let offset = note(log, "offset");
    let _ = note(log, "dropped");
    let side = if y > note(log, "condition") {
        note(log, "taken");
        y * y
    } else {
        note(log, "not taken");
        y
    };
    side * note(log, "inside") + offset
}

#[test]
fn inert_effects_happen_once_and_in_order() {
    let log = Log::default();
    let value = noted(3.0, &log);
    let expected = log.take();
    assert_eq!(
        expected,
        [
            "start",
            "factor",
            "method",
            "offset",
            "dropped",
            "condition",
            "taken",
            "inside"
        ]
    );

    // 2 (2x)² + 2
    assert_eq!(noted_value_and_gradient(3.0, &log), (value, 48.0));
    assert_eq!(log.take(), expected);
    assert_eq!(noted_gradient(3.0, &log), 48.0);
    assert_eq!(log.take(), expected);

    assert_eq!(noted_gradient(0.5, &log), 4.0);
    assert_eq!(log.take()[6..], ["not taken", "inside"]);
}

// A factorisation that reads one triangle.

#[gradient(wrt(a))]
fn cholesky_solve(a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
    a.clone().cholesky().unwrap().solve(b).dot(b)
}

#[gradient(wrt(a))]
fn cholesky_factor(a: &Matrix3<f64>, c: &Matrix3<f64>) -> f64 {
    a.cholesky().unwrap().l().dot(c)
}

#[gradient]
fn cholesky_determinant(a: &Matrix2<f64>) -> f64 {
    a.cholesky().expect("positive definite").determinant()
}

fn strictly_upper(m: &DMatrix<f64>) -> Vec<f64> {
    (0..m.ncols())
        .flat_map(|j| (0..j).map(move |i| m[(i, j)]))
        .collect()
}

#[test]
fn cholesky_reads_the_lower_triangle_only() {
    // a₀₀ a₁₁ − a₁₀², whatever a₀₁ is.
    check!(
        cholesky_determinant, cholesky_determinant_gradient, cholesky_determinant_value_and_gradient;
        (&Matrix2::new(4.0, 99.0, 1.0, 3.0)) => Matrix2::new(3.0, 0.0, -2.0, 4.0), CLOSE
    );
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let root = random.fixed::<3, 3>();
        let (a, c) = (
            root * root.transpose() + Matrix3::identity(),
            random.fixed::<3, 3>(),
        );
        let want = slopes(&a, |a| cholesky_factor(a, &c));
        assert_eq!(strictly_upper(&dynamic(&want)), [0.0; 3]);
        check!(
            cholesky_factor, cholesky_factor_gradient, cholesky_factor_value_and_gradient;
            (&a, &c) => want, BY_DIFFERENCES
        );
        assert_eq!(
            strictly_upper(&dynamic(&cholesky_factor_gradient(&a, &c))),
            [0.0; 3]
        );

        let (a, b) = (dynamic(&a), random.vector(3));
        let want = slopes(&a, |a| cholesky_solve(a, &b));
        check!(
            cholesky_solve, cholesky_solve_gradient, cholesky_solve_value_and_gradient;
            (&a, &b) => want, BY_DIFFERENCES
        );
        assert_eq!(strictly_upper(&cholesky_solve_gradient(&a, &b)), [0.0; 3]);
    }
}

// Only the side taken.

#[gradient]
fn guarded_root(x: f64) -> f64 {
    if x > 0.0 { x.sqrt() } else { 0.0 }
}

#[gradient]
fn guarded_index(x: &DVector<f64>) -> f64 {
    let tail = if x.len() > 3 { x[3] * x[3] } else { x[0] };
    3.0 * tail
}

#[gradient]
fn guarded_inverse(a: &Matrix2<f64>) -> f64 {
    if a.determinant() != 0.0 {
        a.try_inverse().unwrap().trace()
    } else {
        a.sum()
    }
}

#[gradient]
fn three_sides(x: f64) -> f64 {
    let y = if x < -1.0 {
        x * x
    } else if x < 1.0 {
        let t = 2.0 * x;
        t.exp()
    } else {
        7.0
    };
    y * x
}

#[test]
fn only_the_side_taken_is_evaluated() {
    for (x, want) in [(0.0, 0.0), (-4.0, 0.0), (4.0, 0.25)] {
        check!(guarded_root, guarded_root_gradient, guarded_root_value_and_gradient; (x) => want);
    }
    for (x, want) in [
        (vec![1.0, 2.0], vec![3.0, 0.0]),
        (vec![1.0, 2.0, 3.0, 4.0], vec![0.0, 0.0, 0.0, 24.0]),
    ] {
        let (x, want) = (DVector::from_vec(x), DVector::from_vec(want));
        check!(guarded_index, guarded_index_gradient, guarded_index_value_and_gradient; (&x) => want);
    }
    check!(
        guarded_inverse, guarded_inverse_gradient, guarded_inverse_value_and_gradient;
        (&Matrix2::repeat(1.0)) => Matrix2::repeat(1.0)
    );
    let a = Matrix2::new(2.0, 1.0, 0.5, 3.0);
    check!(
        guarded_inverse, guarded_inverse_gradient, guarded_inverse_value_and_gradient;
        (&a) => slopes(&a, guarded_inverse), BY_DIFFERENCES
    );
    for x in [-2.0, 0.3, 5.0] {
        check!(
            three_sides, three_sides_gradient, three_sides_value_and_gradient;
            (x) => slope(x, three_sides), BY_DIFFERENCES
        );
    }
}

// Integers.

#[gradient]
fn through_an_integer(x: f64) -> f64 {
    (x as i64) as f64
}

#[gradient]
fn fraction(x: f64) -> f64 {
    let whole = x as i32;
    x * x - f64::from(whole)
}

#[gradient]
fn half_of_an_integer(x: f64) -> f64 {
    x * (1 / 2) as f64 + (7 / 2) as f64 * x
}

#[test]
fn a_cast_to_an_integer_ends_the_derivative() {
    check!(through_an_integer, through_an_integer_gradient, through_an_integer_value_and_gradient; (2.7) => 0.0);
    check!(fraction, fraction_gradient, fraction_value_and_gradient; (2.75) => 5.5);
}

#[test]
fn integers_are_divided_as_integers() {
    assert_eq!(half_of_an_integer(1.0), 3.0);
    check!(half_of_an_integer, half_of_an_integer_gradient, half_of_an_integer_value_and_gradient; (1.5) => 3.0);
}

// Shapes.

/// `_m`, `_v`, `_s` are differentiated because there is no `wrt`.
#[gradient]
fn without_most(x: f64, _m: &DMatrix<f64>, _v: &DVector<f64>, _s: f64) -> f64 {
    x * x
}

#[gradient(wrt(v))]
fn without_slope(v: &RowVector3<f64>) -> f64 {
    v.len() as f64
}

#[test]
fn what_the_result_does_not_depend_on_has_gradient_zero_of_its_shape() {
    let (m, v) = (
        DMatrix::from_element(2, 3, 1.0),
        DVector::from_element(4, 1.0),
    );
    check!(
        without_most, without_most_gradient, without_most_value_and_gradient;
        (3.0, &m, &v, 1.0) => (6.0, DMatrix::zeros(2, 3), DVector::zeros(4), 0.0)
    );
    check!(
        without_slope, without_slope_gradient, without_slope_value_and_gradient;
        (&RowVector3::new(1.0, 2.0, 3.0)) => RowVector3::zeros()
    );
}

#[gradient(wrt(v, m))]
fn of_views(m: DMatrixView<'_, f64>, v: DVectorView<'_, f64>) -> f64 {
    (m * v).norm_squared()
}

#[gradient]
fn of_a_row(x: RowVector3<f64>) -> f64 {
    (x * 2.0).dot(&x) + x.sum()
}

#[gradient(wrt(x))]
fn of_const_generics<const N: usize>(a: &SMatrix<f64, N, N>, x: &SVector<f64, N>) -> f64 {
    x.dot(&(a * x))
}

#[test]
fn a_gradient_has_the_owned_type_of_its_parameter() {
    check!(
        of_a_row, of_a_row_gradient, of_a_row_value_and_gradient;
        (RowVector3::new(1.0, 2.0, 3.0)) => RowVector3::new(5.0, 9.0, 13.0)
    );
    let random = &mut Lcg(8);
    let (m, v) = (random.matrix(5, 4), random.vector(6));
    let (m, v) = (m.view((1, 1), (3, 2)), v.rows(2, 2));
    let r: Vec<f64> = (0..3)
        .map(|i| m[(i, 0)] * v[0] + m[(i, 1)] * v[1])
        .collect();
    let want = (
        DVector::from_fn(2, |j, _| (0..3).map(|i| 2.0 * r[i] * m[(i, j)]).sum()),
        DMatrix::from_fn(3, 2, |i, j| 2.0 * r[i] * v[j]),
    );
    check!(of_views, of_views_gradient, of_views_value_and_gradient; (m, v) => want.clone(), CLOSE);

    let (a, x) = (random.fixed::<5, 5>(), random.fixed::<5, 1>());
    let want =
        SVector::<f64, 5>::from_fn(|i, _| (0..5).map(|j| (a[(i, j)] + a[(j, i)]) * x[j]).sum());
    check!(
        of_const_generics, of_const_generics_gradient, of_const_generics_value_and_gradient;
        (&a, &x) => want, CLOSE
    );
}

#[gradient]
fn not_larger_than_nan(x: f64) -> f64 {
    x.max(f64::NAN) + x.min(f64::NAN)
}

#[test]
fn max_and_min_select_what_is_not_nan() {
    assert_eq!(larger_gradient(2.0, f64::NAN).0, 1.0);
    assert_eq!(larger_gradient(f64::NAN, 2.0).1, 1.0);
    assert_eq!(not_larger_than_nan(3.0), 6.0);
    assert_eq!(not_larger_than_nan_gradient(3.0), 2.0);
    assert_eq!(not_larger_than_nan_value_and_gradient(3.0), (6.0, 2.0));
}
