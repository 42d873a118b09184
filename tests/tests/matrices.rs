//! Jacobians and Hessians: against differences, their layout and types, and the other companions.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{
    DMatrix, DMatrixView, DVector, Matrix1x2, Matrix2, Matrix2x1, Matrix2x3, Matrix3, Matrix3x2,
    Matrix4, RealField, RowVector2, SMatrix, SVector, Vector2, Vector3,
};
use nalgrad::{differentiable, gradient, hessian, jacobian};

fn matrix() -> DMatrix<f64> {
    DMatrix::from_row_slice(3, 2, &[0.3, -0.4, 1.1, 0.2, -0.7, 0.5])
}

/// Column j is the slope along entry j, entries column by column.
#[track_caller]
fn assert_jacobian<const M: usize, const N: usize>(
    j: &DMatrix<f64>,
    at: [f64; N],
    f: impl Fn([f64; N]) -> [f64; M],
) {
    assert_eq!(j.shape(), (M, N));
    for column in 0..N {
        for row in 0..M {
            let along = |t: f64| {
                let mut moved = at;
                moved[column] += t;
                f(moved)[row]
            };
            assert_close(j[(row, column)], slope(along));
        }
    }
}

fn dynamic<const M: usize, const N: usize>(j: SMatrix<f64, M, N>) -> DMatrix<f64> {
    DMatrix::from_column_slice(M, N, j.as_slice())
}

// ---- sizes and types ----

#[jacobian]
fn scalar_by_scalar(x: f64) -> f64 {
    x.sin() * x
}

#[jacobian]
fn scalar_by_vector(x: &Vector3<f64>) -> f64 {
    x.norm() * x[1]
}

#[jacobian]
fn vector_by_scalar(t: f64) -> Vector2<f64> {
    Vector2::new(t.cos(), t.sin())
}

#[jacobian(wrt(x))]
fn layer(x: &DVector<f64>, a: &DMatrix<f64>, b: &DMatrix<f64>) -> DVector<f64> {
    b * (a * x).map(|z| z.tanh())
}

#[jacobian]
fn several(x: &Vector2<f64>, s: f64, y: &DVector<f64>) -> Vector3<f64> {
    Vector3::new(x[0] * s, x[1] * y[0], s.exp() * y.norm_squared())
}

#[test]
fn types_and_numerator_layout() {
    let j: f64 = scalar_by_scalar_jacobian(0.7);
    assert_close(j, slope(|t| scalar_by_scalar(0.7 + t)));
    let x = [0.3, -0.8, 0.5];
    let j: SMatrix<f64, 1, 3> = scalar_by_vector_jacobian(&Vector3::from(x));
    assert_jacobian(&dynamic(j), x, |x| [scalar_by_vector(&Vector3::from(x))]);
    let j: Matrix2x1<f64> = vector_by_scalar_jacobian(0.4);
    assert_jacobian(&dynamic(j), [0.4], |[t]| vector_by_scalar(t).into());
    let (a, b) = (matrix(), matrix().transpose());
    let (value, j): (DVector<f64>, DMatrix<f64>) =
        layer_value_and_jacobian(&vector(&[0.4, -0.9]), &a, &b);
    assert_eq!(value, layer(&vector(&[0.4, -0.9]), &a, &b));
    assert_jacobian(&j, [0.4, -0.9], |x| {
        let y = layer(&vector(&x), &a, &b);
        [y[0], y[1]]
    });
    let (x, s, y) = (Vector2::new(0.3, -0.8), 0.6, vector(&[0.5, 0.9]));
    let (by_x, by_s, by_y): (Matrix3x2<f64>, Vector3<f64>, DMatrix<f64>) =
        several_jacobian(&x, s, &y);
    assert_jacobian(&dynamic(by_x), x.into(), |x| {
        several(&Vector2::from(x), s, &y).into()
    });
    assert_jacobian(&dynamic(by_s), [s], |[s]| several(&x, s, &y).into());
    assert_jacobian(&by_y, [0.5, 0.9], |y| several(&x, s, &vector(&y)).into());
}

#[jacobian]
fn matrix_of_matrix(w: &Matrix2x3<f64>, x: &Vector2<f64>) -> Matrix2<f64> {
    let y = w * w.transpose();
    y.try_inverse().unwrap() * x[0] + y * x * x.transpose()
}

#[test]
fn matrices_count_as_their_entries_column_by_column() {
    let (w, x) = ([0.9, 0.2, -0.3, 1.1, 0.4, -0.6], [0.4, -0.7]);
    let value = |w: [f64; 6], x: [f64; 2]| -> [f64; 4] {
        let y = matrix_of_matrix(&Matrix2x3::from_column_slice(&w), &Vector2::from(x));
        std::array::from_fn(|k| y[k])
    };
    let (by_w, by_x): (SMatrix<f64, 4, 6>, SMatrix<f64, 4, 2>) =
        matrix_of_matrix_jacobian(&Matrix2x3::from_column_slice(&w), &Vector2::from(x));
    assert_jacobian(&dynamic(by_w), w, |w| value(w, x));
    assert_jacobian(&dynamic(by_x), x, |x| value(w, x));
}

#[jacobian(wrt(x))]
fn put_together(x: &SVector<f64, 6>, scale: &Vector3<f64>) -> Vector3<f64> {
    let p = x.fixed_rows::<3>(0);
    let ratio = p.norm() * x[4] / x[3];
    Vector3::new(ratio.sin(), x[5] + x[4] / x[3], 2.0 * scale.x).component_mul(scale)
}

#[jacobian(wrt(x), mode = reverse)]
fn put_together_of_more(x: &SVector<f64, 8>, k: usize) -> Matrix2<f64> {
    let (a, b) = (x.fixed_rows::<2>(k), x.fixed_rows::<4>(1));
    Matrix2::new(
        a.dot(&b.fixed_rows::<2>(2)),
        x[7].exp(),
        x.norm() * x[k],
        x[0],
    ) * 0.5
}

#[test]
fn numbers_put_together_at_the_end_by_parts_of_a_vector() {
    let (x, scale) = (
        [0.3, -0.8, 0.5, 1.2, -0.7, 0.9],
        Vector3::new(0.5, 2.0, -1.0),
    );
    let j: SMatrix<f64, 3, 6> = put_together_jacobian(&SVector::from(x), &scale);
    assert_jacobian(&dynamic(j), x, |x| {
        put_together(&SVector::from(x), &scale).into()
    });
    let x = [0.3, -0.8, 0.5, 1.2, -0.7, 0.9, -1.1, 0.4];
    for k in [0, 2, 6] {
        let value = |x: [f64; 8]| -> [f64; 4] {
            let y = put_together_of_more(&SVector::from(x), k);
            std::array::from_fn(|i| y[i])
        };
        let (y, j) = put_together_of_more_value_and_jacobian(&SVector::from(x), k);
        assert_eq!(y.as_slice(), value(x));
        assert_jacobian(&dynamic(j), x, value);
    }
}

#[jacobian]
fn parts(x: &Vector2<f64>, s: f64) -> (Vector2<f64>, (f64, usize), [f64; 2], RowVector2<f64>) {
    (x * s, (x.x * x.y, 3), [s, s * x.y], x.transpose() * 2.0)
}

#[test]
fn a_tuple_that_is_returned_gives_a_tuple_outside() {
    let (x, s) = ([0.3, -0.8], 0.6);
    let at = |x: [f64; 2], s: f64| parts(&Vector2::from(x), s);
    let (value, jacobians) = parts_value_and_jacobian(&Vector2::from(x), s);
    assert_eq!(value, at(x, s));
    let (first, (second, ()), third, fourth) = jacobians;
    let first: (Matrix2<f64>, Vector2<f64>) = first;
    assert_jacobian(&dynamic(first.0), x, |x| at(x, s).0.into());
    assert_jacobian(&dynamic(first.1), [s], |[s]| at(x, s).0.into());
    let second: (Matrix1x2<f64>, f64) = second;
    assert_jacobian(&dynamic(second.0), x, |x| [at(x, s).1.0]);
    assert_eq!(second.1, 0.0);
    let third: (Matrix2<f64>, Vector2<f64>) = third;
    assert_jacobian(&dynamic(third.0), x, |x| at(x, s).2);
    assert_jacobian(&dynamic(third.1), [s], |[s]| at(x, s).2);
    let fourth: (Matrix2<f64>, Vector2<f64>) = fourth;
    assert_eq!(fourth, (Matrix2::identity() * 2.0, Vector2::zeros()));
}

#[jacobian]
fn generic<T: RealField + Copy, const N: usize>(x: SVector<T, N>, s: T) -> SVector<T, N> {
    x.map(|e| e.sin()) * s
}

#[jacobian(wrt(v))]
fn viewed(v: DMatrixView<f64>, i: usize) -> DVector<f64> {
    v.column(i) * v.row(0).sum()
}

#[test]
fn generic_sizes_and_views() {
    let x = [0.1, 0.5, -0.3];
    let (by_x, by_s) = generic_jacobian(SVector::<f64, 3>::from(x), 0.7);
    assert_jacobian(&dynamic(by_x), x, |x| {
        generic(SVector::<f64, 3>::from(x), 0.7).into()
    });
    assert_jacobian(&dynamic(by_s), [0.7], |[s]| {
        generic(SVector::<f64, 3>::from(x), s).into()
    });
    let m = [0.3, -0.4, 1.1, 0.2];
    let value = |m: [f64; 4]| -> [f64; 2] {
        let y = viewed(DMatrix::from_column_slice(2, 2, &m).as_view(), 1);
        [y[0], y[1]]
    };
    let j = viewed_jacobian(DMatrix::from_column_slice(2, 2, &m).as_view(), 1);
    assert_jacobian(&j, m, value);
}

#[jacobian(mode = forward)]
fn forwards(x: &Vector3<f64>) -> Vector2<f64> {
    Vector2::new(x.norm_squared(), x[0] * x[1]).map(|e| e.sin())
}

#[jacobian(mode = reverse)]
fn backwards(x: &Vector3<f64>) -> Vector2<f64> {
    Vector2::new(x.norm_squared(), x[0] * x[1]).map(|e| e.sin())
}

#[test]
fn both_modes_agree() {
    let x = Vector3::new(0.3, -0.8, 0.5);
    assert!((forwards_jacobian(&x) - backwards_jacobian(&x)).amax() < 1e-14);
    assert_jacobian(&dynamic(forwards_jacobian(&x)), x.into(), |x| {
        forwards(&Vector3::from(x)).into()
    });
}

#[jacobian]
fn on_a_side(x: &Vector2<f64>, s: f64) -> Vector2<f64> {
    let y = if s > 0.0 { x * s } else { x.map(|e| e * e) };
    y.map(|e| if e > 0.0 { e.sqrt() } else { -e })
}

#[test]
fn the_side_of_a_branch_that_is_taken() {
    for s in [0.5, -0.5] {
        let x = [0.3, -0.8];
        let (by_x, by_s) = on_a_side_jacobian(&Vector2::from(x), s);
        assert_jacobian(&dynamic(by_x), x, |x| {
            on_a_side(&Vector2::from(x), s).into()
        });
        assert_jacobian(&dynamic(by_s), [s], |[s]| {
            on_a_side(&Vector2::from(x), s).into()
        });
    }
}

#[differentiable]
fn rotated(v: &Vector2<f64>, angle: f64) -> Vector2<f64> {
    let (sin, cos) = angle.sin_cos();
    Vector2::new(cos * v.x - sin * v.y, sin * v.x + cos * v.y)
}

#[jacobian]
fn through_a_call(v: &Vector2<f64>, angle: f64) -> Vector2<f64> {
    let r: Vector2<f64> = rotated(v, angle);
    r * r.x
}

#[test]
fn jacobians_go_through_calls() {
    let (v, angle) = ([0.3, -0.8], 0.7);
    let (by_v, by_angle) = through_a_call_jacobian(&Vector2::from(v), angle);
    assert_jacobian(&dynamic(by_v), v, |v| {
        through_a_call(&Vector2::from(v), angle).into()
    });
    assert_jacobian(&dynamic(by_angle), [angle], |[angle]| {
        through_a_call(&Vector2::from(v), angle).into()
    });
}

// ---- Hessians ----

#[hessian]
#[gradient]
fn mixed(x: &Vector2<f64>, s: f64, y: &DVector<f64>) -> f64 {
    (x.norm_squared() * s).sin() * y.norm_squared() + y[0] * x[0].exp()
}

#[test]
fn blocks_of_several_parameters() {
    let (x, s, y) = (Vector2::new(0.3, -0.8), 0.6, vector(&[0.5, 0.9, -0.2]));
    let (value, gradient, blocks) = mixed_value_gradient_and_hessian(&x, s, &y);
    assert_eq!(value, mixed(&x, s, &y));
    let alone = mixed_gradient(&x, s, &y);
    assert!((gradient.0 - alone.0).amax() < 1e-14 && (gradient.2 - alone.2).amax() < 1e-14);
    let ((xx, xs, xy), (sx, ss, sy), (yx, ys, yy)) = blocks;
    assert_eq!(mixed_hessian(&x, s, &y).2.2.shape(), (3, 3));
    // Transposed bit for bit, and exactly symmetric.
    assert_eq!(dynamic(xs).transpose(), dynamic(sx));
    assert_eq!(xy.transpose(), yx);
    assert_eq!(sy.transpose(), ys);
    assert_eq!(xx, xx.transpose());
    assert_eq!(yy, yy.transpose());
    let all = |z: [f64; 6]| {
        let (x, s, y) = (Vector2::new(z[0], z[1]), z[2], vector(&z[3..]));
        let (gx, gs, gy) = mixed_gradient(&x, s, &y);
        [gx[0], gx[1], gs, gy[0], gy[1], gy[2]]
    };
    let mut whole = DMatrix::zeros(6, 6);
    whole.view_mut((0, 0), (2, 2)).copy_from(&xx);
    whole.view_mut((0, 2), (2, 1)).copy_from(&xs);
    whole.view_mut((0, 3), (2, 3)).copy_from(&xy);
    whole.view_mut((2, 0), (1, 2)).copy_from(&sx);
    whole[(2, 2)] = ss;
    whole.view_mut((2, 3), (1, 3)).copy_from(&sy);
    whole.view_mut((3, 0), (3, 2)).copy_from(&yx);
    whole.view_mut((3, 2), (3, 1)).copy_from(&ys);
    whole.view_mut((3, 3), (3, 3)).copy_from(&yy);
    assert_jacobian(&whole, [0.3, -0.8, 0.6, 0.5, 0.9, -0.2], all);
}

#[hessian(wrt(w))]
#[gradient]
fn logistic(w: &DVector<f64>, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let z = x * w;
    z.map(|z| (1.0 + z.exp()).ln()).sum() - y.dot(&z)
}

#[hessian]
fn log_det(m: &Matrix2<f64>) -> f64 {
    m.determinant().ln()
}

#[hessian]
fn scalar(x: f64) -> f64 {
    x.powi(3) * 2.0
}

#[hessian]
#[gradient]
fn through_calls(v: &Vector2<f64>, angle: f64) -> f64 {
    let r: Vector2<f64> = rotated(v, angle);
    r.x * r.x * r.y
}

#[test]
fn hessians_of_losses_determinants_and_calls() {
    let (x, y) = (matrix(), vector(&[0.0, 1.0, 1.0]));
    let h = logistic_hessian(&vector(&[0.4, -0.9]), &x, &y);
    assert_eq!(h, h.transpose());
    assert_jacobian(&h, [0.4, -0.9], |w| {
        let gradient = logistic_gradient(&vector(&w), &x, &y);
        [gradient[0], gradient[1]]
    });
    let m = Matrix2::new(2.0, 0.3, -0.4, 1.5);
    let h: Matrix4<f64> = log_det_hessian(&m);
    assert_eq!(h, h.transpose());
    let inverse = m.try_inverse().unwrap();
    // ∂² ln det M / ∂M ∂M = −(M⁻ᵀ ⊗ M⁻¹) with rows transposed: entry ((i, j), (k, l)) is −M⁻¹ₗᵢ M⁻¹ⱼₖ.
    for (i, j, k, l) in (0..16).map(|n| (n & 1, n >> 1 & 1, n >> 2 & 1, n >> 3)) {
        assert_close(
            h[(i + 2 * j, k + 2 * l)],
            -inverse[(l, i)] * inverse[(j, k)],
        );
    }
    assert_eq!(scalar_hessian(0.5), 6.0);
    assert_eq!(scalar_value_gradient_and_hessian(0.5), (0.25, 1.5, 6.0));
    let (v, angle) = (Vector2::new(0.3, -0.8), 0.7);
    let ((vv, va), (av, aa)) = through_calls_hessian(&v, angle);
    assert_eq!(vv, vv.transpose());
    assert_eq!(va, av.transpose());
    let whole = Matrix3::new(
        vv.m11, vv.m12, va[0], vv.m21, vv.m22, va[1], av[0], av[1], aa,
    );
    assert_jacobian(&dynamic(whole), [0.3, -0.8, 0.7], |z| {
        let (v, a) = through_calls_gradient(&Vector2::new(z[0], z[1]), z[2]);
        [v[0], v[1], a]
    });
}

#[hessian]
#[jacobian]
fn linear(x: &DVector<f64>, b: f64) -> f64 {
    x.sum() + 2.0 * b
}

#[test]
fn what_does_not_depend_has_zeros_of_the_right_shape() {
    let x = vector(&[1.0, 2.0, 3.0]);
    let ((xx, xb), (bx, bb)) = linear_hessian(&x, 1.0);
    assert_eq!((xx, xb), (DMatrix::zeros(3, 3), DMatrix::zeros(3, 1)));
    assert_eq!((bx, bb), (DMatrix::zeros(1, 3), 0.0));
    assert_eq!(
        linear_jacobian(&x, 1.0),
        (DMatrix::from_element(1, 3, 1.0), 2.0)
    );
    let empty = vector(&[]);
    assert_eq!(linear_hessian(&empty, 1.0).0.0.shape(), (0, 0));
}
