//! Methods and constructors of matrices: their values bit for bit, and first and second derivatives, against
//! differences.

#![allow(dead_code, clippy::toplevel_ref_arg, clippy::useless_conversion)]

mod common;
#[macro_use]
#[path = "common/six.rs"]
mod six;

use common::{assert_close, slope};
use nalgebra::{
    ComplexField, DMatrix, DVector, EuclideanNorm, Matrix1, Matrix2, Matrix2x3, Matrix3, Matrix3x2,
    Matrix4, RowVector3, UniformNorm, Vector2, Vector3, Vector4, Vector6, stack,
};
use nalgrad::{gradient, hessian, jvp, vjp};

check! {
    at [
        Vector6::new(0.7, -0.4, 1.3, 0.2, -0.9, 0.5),
        Vector6::new(-1.1, 0.8, 0.6, -0.3, 1.4, 0.9),
    ];
    rows_and_columns: from_parts from_parts_value_and_gradient from_parts_hessian from_parts_jvp from_parts_vjp;
    iterators: listed listed_value_and_gradient listed_hessian listed_jvp listed_vjp;
    blocks: stacked stacked_value_and_gradient stacked_hessian stacked_jvp stacked_vjp;
    rows_that_come_and_go: edited edited_value_and_gradient edited_hessian edited_jvp edited_vjp;
    homogeneous_coordinates: homogeneous homogeneous_value_and_gradient homogeneous_hessian homogeneous_jvp homogeneous_vjp;
    kronecker_product: kronecker kronecker_value_and_gradient kronecker_hessian kronecker_jvp kronecker_vjp;
    interpolation: interpolated interpolated_value_and_gradient interpolated_hessian interpolated_jvp interpolated_vjp;
    lengths: lengths_of lengths_of_value_and_gradient lengths_of_hessian lengths_of_jvp lengths_of_vjp;
    least_and_most: bounds bounds_value_and_gradient bounds_hessian bounds_jvp bounds_vjp;
    parts_of_squares: triangles triangles_value_and_gradient triangles_hessian triangles_jvp triangles_vjp;
    powers: powers_of powers_of_value_and_gradient powers_of_hessian powers_of_jvp powers_of_vjp;
    triangular_systems: solved solved_value_and_gradient solved_hessian solved_jvp solved_vjp;
    factors_with_rubbish_above: dirty dirty_value_and_gradient dirty_hessian dirty_jvp dirty_vjp;
    norms_and_angles: measured measured_value_and_gradient measured_hessian measured_jvp measured_vjp;
    statistics_of_columns: statistics statistics_value_and_gradient statistics_hessian statistics_jvp statistics_vjp;
    places: located located_value_and_gradient located_hessian located_jvp located_vjp;
    largest_entries: selected selected_value_and_gradient selected_hessian selected_jvp selected_vjp;
    coordinates: swizzled swizzled_value_and_gradient swizzled_hessian swizzled_jvp swizzled_vjp;
    cardinal_sine: sinc sinc_value_and_gradient sinc_hessian sinc_jvp sinc_vjp;
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn from_parts(x: &Vector6<f64>) -> f64 {
    let a = Vector3::new(x[0], x[1], x[2]);
    let b = Vector3::new(x[3], x[4], x[5]);
    let rows = Matrix2x3::from_rows(&[a.transpose(), b.transpose()]);
    let columns = Matrix3x2::from_columns(&[b, a]);
    let square = Matrix3::from_columns(&[a, b, a.cross(&b)]);
    (rows * columns).determinant() + square.norm_squared()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn listed(x: &Vector6<f64>) -> f64 {
    let a = Matrix2::from_row_iterator([x[0], x[1], x[2] * x[3], x[4]]);
    let b = Matrix2::from_iterator([x[1], x[5], 1.0, x[0]].into_iter());
    let c = DVector::from_iterator(3, vec![x[0] * x[1], x[2], x[3]]);
    let d = Matrix2::from_diagonal_element(x[5]);
    (a * b + d).determinant() + c.norm_squared() + Vector3::ith(1, x[3]).norm_squared()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn stacked(x: &Vector6<f64>) -> f64 {
    let a = Matrix2::new(x[0], x[1], x[2], x[3]);
    let b = Vector2::new(x[4], x[5]);
    let whole: Matrix4<f64> = stack![a, Matrix2::identity(); a.transpose() * a, 0];
    let corner = Matrix1::new(x[0] * x[4]);
    let bordered = stack![a, b; b.transpose(), corner];
    whole.determinant() + bordered.determinant()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn edited(x: &Vector6<f64>) -> f64 {
    let m = Matrix2x3::new(x[0], x[1], x[2], x[3], x[4], x[5]);
    let square = m.insert_row(1, x[0] * x[5]);
    let other = m.insert_column(0, x[3]).remove_column(2).remove_row(0);
    let grown = m.fixed_resize::<3, 3>(x[1]);
    let vector = Vector2::new(x[0], x[3]).push(x[4]);
    square.determinant()
        + other.norm_squared() * x[0]
        + grown.determinant()
        + vector.dot(&grown.column(1))
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn homogeneous(x: &Vector6<f64>) -> f64 {
    let m = Matrix3::new(x[0], x[1], x[2], x[3], 1.0, x[4], x[5], 0.5, 2.0);
    let v = Vector3::new(x[0], x[1], x[5]);
    (m.to_homogeneous() * v.to_homogeneous()).norm_squared() + m.to_homogeneous().determinant()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn kronecker(x: &Vector6<f64>) -> f64 {
    let a = Matrix2::new(x[0], x[1], x[2], x[3]);
    let b = Matrix3x2::new(x[4], x[5], x[0], 1.0, x[1], x[2]);
    let k = a.kronecker(&b);
    k.row(0).norm_squared() + k[(4, 2)] * k[(5, 3)] + k[(2, 1)]
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn interpolated(x: &Vector6<f64>) -> f64 {
    let a = Vector3::new(x[0], x[1], x[2]);
    let b = Vector3::new(x[3], x[4], 1.0);
    a.lerp(&b, x[5]).norm_squared() + a.lerp(&b, 0.25).sum()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn lengths_of(x: &Vector6<f64>) -> f64 {
    let a = Vector3::new(x[0], x[1], x[2]);
    let b = Vector3::new(x[3], x[4], x[5]);
    let capped = a.cap_magnitude(1.0) + b.cap_magnitude(100.0);
    let unit = a.try_normalize(1e-9).unwrap() + b.try_normalize(x[0].abs() * 1e-9).expect("long");
    capped.x * capped.y + unit.dot(&b)
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn bounds(x: &Vector6<f64>) -> f64 {
    let a = Vector3::new(x[0], x[1], x[2]);
    let b = Vector3::new(x[3], x[4], x[5]);
    let (least, most) = a.inf_sup(&b);
    a.inf(&b).norm_squared() + a.sup(&b).product() + least.dot(&most)
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn triangles(x: &Vector6<f64>) -> f64 {
    let m = Matrix3::new(
        x[0],
        x[1],
        x[2],
        x[3],
        x[4],
        x[5],
        x[0] * x[3],
        x[1] * x[4],
        1.0,
    );
    let parts = m.upper_triangle() * m.lower_triangle() + m.symmetric_part() * m.hermitian_part();
    parts.norm_squared() + m.adjoint().ad_mul(&m).trace()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn powers_of(x: &Vector6<f64>) -> f64 {
    let m = Matrix2::new(x[0], x[1], x[2], x[3]) * 0.5;
    let n = Matrix2::new(x[4], x[5], 1.0, x[0]) * 0.5;
    m.pow(3).trace()
        + n.pow(4).sum()
        + m.pow(1).determinant()
        + n.pow(0).trace()
        + (m * n).pow(6).trace()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn solved(x: &Vector6<f64>) -> f64 {
    let t = Matrix2::new(2.0 + x[0], x[1], x[2], 3.0 + x[3]);
    let b = Vector2::new(x[4], x[5]);
    let lower = t.solve_lower_triangular(&b).unwrap();
    let upper = t
        .solve_upper_triangular(&lower)
        .expect("no zero on the diagonal");
    let transposed = t.tr_solve_lower_triangular(&upper).unwrap();
    let back = t.tr_solve_upper_triangular(&transposed).unwrap();
    let unchecked = t.solve_lower_triangular_unchecked(&t.solve_upper_triangular_unchecked(&b));
    back.norm_squared() + unchecked.dot(&b)
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn dirty(x: &Vector6<f64>) -> f64 {
    let a = Matrix2::new(x[0], x[1], x[2], x[3]);
    let s = a.transpose() * a + Matrix2::identity() * (2.0 + x[4] * x[5]);
    let factor = s.cholesky().unwrap();
    let b = factor
        .l()
        .solve_lower_triangular(&Vector2::new(x[4], x[5]))
        .unwrap();
    b.norm_squared() + factor.l_dirty().diagonal().map(|d| d.ln()).sum()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn measured(x: &Vector6<f64>) -> f64 {
    let a = Vector3::new(x[0], x[1], x[2]);
    let b = Vector3::new(x[3], x[4], x[5]);
    let plane = Vector2::new(x[0], x[4]).perp(&Vector2::new(x[1], x[5]));
    let norms = a.apply_norm(&EuclideanNorm) + b.apply_norm(&UniformNorm);
    let distances = a.metric_distance(&b) * a.apply_metric_distance(&b, &EuclideanNorm);
    a.angle(&b) * plane + norms * distances + (a.cross_matrix() * b).norm_squared()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn statistics(x: &Vector6<f64>) -> f64 {
    let m = Matrix2x3::new(x[0], x[1], x[2], x[3], x[4], x[5]);
    let row: RowVector3<f64> = m.row_variance();
    m.row_sum_tr().dot(&m.row_mean_tr()) + row.sum() * row[1] + m.row_variance_tr().norm_squared()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn located(x: &Vector6<f64>) -> f64 {
    let m = Matrix2x3::new(x[0], x[1], x[2], x[3], x[4], x[5]);
    let weighted = m.map_with_location(|i, j, entry| entry * entry * (2 * i + j) as f64);
    weighted.norm_squared()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn selected(x: &Vector6<f64>) -> f64 {
    let (i, most) = x.argmax();
    let (_, least) = x.argmin();
    most * most * least + x[i] * x[(i + 1) % 6]
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn swizzled(x: &Vector6<f64>) -> f64 {
    let v = Vector4::new(x[0], x[1], x[2], x[3]);
    v.xy().dot(&v.yz())
        + v.zyx().cross(&v.xyz()).dot(&Vector3::new(x[4], x[5], 1.0))
        + v.xxx().sum()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn sinc(x: &Vector6<f64>) -> f64 {
    x[0].sinc() * x[1].sinc() + x.map(|t| (0.1 * t).sinc()).sum()
}

/// An index has no derivative, but the entry there has.
#[test]
fn the_entry_that_argmax_gives_is_differentiated() {
    #[gradient]
    fn most(x: &Vector3<f64>) -> f64 {
        let (_, most) = x.argmax();
        3.0 * most
    }
    assert_eq!(
        most_gradient(&Vector3::new(1.0, 5.0, 2.0)),
        Vector3::new(0.0, 3.0, 0.0)
    );
    // At a tie the first.
    assert_eq!(
        most_gradient(&Vector3::new(1.0, 5.0, 5.0)),
        Vector3::new(0.0, 3.0, 0.0)
    );
}

/// Like the norm, with derivative zero where two points meet.
#[test]
fn distance_and_angle_at_zero() {
    #[gradient(wrt(a))]
    fn distance(a: &Vector3<f64>, b: &Vector3<f64>) -> f64 {
        a.metric_distance(b) + a.angle(b)
    }
    let a = Vector3::new(1.0, 0.0, 0.0);
    assert_eq!(distance_gradient(&a, &a), Vector3::zeros());
    assert_eq!(distance_gradient(&Vector3::zeros(), &a), -a);
}

/// sinc x = 1 − x²/6 + x⁴/120
#[test]
fn cardinal_sine_at_zero() {
    #[gradient]
    #[hessian]
    fn wave(x: f64) -> f64 {
        x.sinc()
    }
    assert_eq!(wave_gradient(0.0), 0.0);
    assert_close(wave_hessian(0.0), -1.0 / 3.0);
    assert_close(wave_hessian(1e-4), -1.0 / 3.0 + 1e-8 / 10.0);
    assert_close(1.0, wave_gradient(1e-7) / (-1e-7 / 3.0));
}

/// What is above the diagonal is not read.
#[test]
fn only_the_triangle_counts() {
    #[gradient]
    fn solution(t: &Matrix2<f64>) -> f64 {
        t.solve_lower_triangular(&Vector2::new(1.0, 2.0)).unwrap().y
    }
    let t = Matrix2::new(2.0, f64::NAN, 0.5, 4.0);
    // y = (2 − 0.5/2)/4
    let expected = Matrix2::new(0.5 / 16.0, 0.0, -0.125, -1.75 / 16.0);
    assert_close(0.0, (solution_gradient(&t) - expected).norm());
}

#[test]
#[should_panic(expected = "no direction")]
fn a_vector_without_a_direction_panics_in_the_companion_as_well() {
    #[gradient]
    fn direction(x: &Vector3<f64>) -> f64 {
        x.try_normalize(1e-9).expect("no direction");
        x.sum()
    }
    direction_gradient(&Vector3::zeros());
}

/// Dynamic sizes, where the entries need not be known one by one.
#[test]
fn dynamic_sizes() {
    #[gradient]
    fn mixed(m: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
        let x = m.solve_lower_triangular(b).unwrap();
        let y = m.lower_triangle() * &x + m.row_sum_tr();
        y.metric_distance(b) + m.symmetric_part().upper_triangle().norm_squared() + m.pow(3).trace()
    }
    let m = DMatrix::from_row_slice(2, 2, &[2.0, 0.3, -0.7, 1.5]);
    let b = DVector::from_vec(vec![0.4, -1.2]);
    let (value, (dm, db)) = mixed_value_and_gradient(&m, &b);
    assert_eq!(value.to_bits(), mixed(&m, &b).to_bits());
    for i in 0..2 {
        let moved = |h: f64| {
            let mut b = b.clone();
            b[i] += h;
            mixed(&m, &b)
        };
        assert_close(db[i], slope(moved));
        for j in 0..2 {
            let moved = |h: f64| {
                let mut m = m.clone();
                m[(i, j)] += h;
                mixed(&m, &b)
            };
            assert_close(dm[(i, j)], slope(moved));
        }
    }
}
