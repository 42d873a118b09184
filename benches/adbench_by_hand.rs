//! The Jacobians of `adbench`, by hand: the best that we could write.

use nalgebra::{
    Const, DMatrix, DVector, Dyn, Matrix2x3, Matrix3, Matrix3x4, Matrix3xX, Matrix4, MatrixViewMut,
    SMatrix, SVector, Vector2, Vector3,
};

use super::hand::Model;

type Blocks = (SMatrix<f64, 2, 11>, Matrix2x3<f64>, Vector2<f64>);

/// Everything is shared between the columns: both rows are pulled back through the turn, whose derivative by the rotation
/// vector w = θ a is −[q] J, q the turned point and J = sin θ / θ I + (1 − sin θ / θ) a aᵀ + (1 − cos θ) / θ [a].
pub(super) fn reproj_value_and_jacobian(
    cam: &SVector<f64, 11>,
    x: &Vector3<f64>,
    w: f64,
    feat: &Vector2<f64>,
) -> (Vector2<f64>, Blocks) {
    let r = Vector3::new(cam[0], cam[1], cam[2]);
    let v = x - Vector3::new(cam[3], cam[4], cam[5]);
    let (f, k1, k2) = (cam[6], cam[9], cam[10]);
    let squared = r.norm_squared();
    let angle = squared.sqrt();
    let inverse = if squared != 0.0 { angle.recip() } else { 0.0 };
    let axis = r * inverse;
    let (sin, cos) = angle.sin_cos();
    let versine = 1.0 - cos;
    let turned = v * cos + axis.cross(&v) * sin + axis * (axis.dot(&v) * versine);
    let first = if squared != 0.0 { sin * inverse } else { 1.0 };
    let third = versine * inverse;

    let depth = turned.z.recip();
    let p = turned.xy() * depth;
    let s = p.norm_squared();
    let distortion = 1.0 + s * (k1 + k2 * s);
    let miss = p * (distortion * f) + Vector2::new(cam[7], cam[8]) - feat;

    // By p, the Jacobian of the distorted point is symmetric.
    let (scale, growth) = (w * f * depth, 2.0 * k1 + 4.0 * k2 * s);
    let mixed = scale * growth * p.x * p.y;
    let rows = [
        (scale * (distortion + growth * p.x * p.x), mixed),
        (mixed, scale * (distortion + growth * p.y * p.y)),
    ]
    .map(|(by_x, by_y)| Vector3::new(by_x, by_y, -(p.x * by_x + p.y * by_y)));
    let [(ru, xu), (rv, xv)] = rows.map(|g| {
        let h = turned.cross(&g);
        let by_rotation =
            h * first + axis * ((1.0 - first) * axis.dot(&h)) + h.cross(&axis) * third;
        let by_point = g * cos + g.cross(&axis) * sin + axis * (axis.dot(&g) * versine);
        (by_rotation, by_point)
    });
    let (by_f, by_k1) = (p * (w * distortion), p * (w * f * s));
    let by_k2 = by_k1 * s;
    #[rustfmt::skip]
    let by_cam = SMatrix::<f64, 2, 11>::from_column_slice(&[
        ru.x, rv.x, ru.y, rv.y, ru.z, rv.z,
        -xu.x, -xv.x, -xu.y, -xv.y, -xu.z, -xv.z,
        by_f.x, by_f.y, w, 0.0, 0.0, w,
        by_k1.x, by_k1.y, by_k2.x, by_k2.y,
    ]);
    let by_x = Matrix2x3::new(xu.x, xu.y, xu.z, xv.x, xv.y, xv.z);
    (miss * w, (by_cam, by_x, miss))
}

pub(super) fn reproj_jacobian(
    cam: &SVector<f64, 11>,
    x: &Vector3<f64>,
    w: f64,
    feat: &Vector2<f64>,
) -> Blocks {
    reproj_value_and_jacobian(cam, x, w, feat).1
}

/// The chosen vertices only. An angle of a finger moves three bones at most, so that its column is a product of a 3 × 12
/// matrix; the whole hand turns by [J e] G.
pub(super) fn simple_value_and_jacobian(
    theta: &SVector<f64, 26>,
    model: &Model,
    chosen: &[usize],
    points: &Matrix3xX<f64>,
) -> (DVector<f64>, DMatrix<f64>) {
    let n = chosen.len();
    let rest = DMatrix::from_fn(88, n, |k, i| {
        model.weights[(k / 4, chosen[i])] * model.vertices[(k % 4, chosen[i])]
    });
    let r = Vector3::new(theta[0], theta[1], theta[2]);
    let angle = r.norm();
    let (mut global, mut turns) = (Matrix3::identity(), Matrix3::zeros());
    if angle >= 1e-4 {
        let axis = r / angle;
        let (sin, cos) = angle.sin_cos();
        let (square, cross) = (axis * axis.transpose(), axis.cross_matrix());
        global = square * (1.0 - cos) + Matrix3::identity() * cos + cross * sin;
        let first = sin / angle;
        turns =
            Matrix3::identity() * first + square * (1.0 - first) + cross * ((1.0 - cos) / angle);
    }

    let mut absolute = [Matrix4::<f64>::zeros(); 22];
    let mut transforms = SMatrix::<f64, 3, 88>::zeros();
    // For each angle, how it changes the three bones of its finger; and the last of these in the frame of all.
    let mut slopes = [SMatrix::<f64, 3, 12>::zeros(); 20];
    let mut moved = [Matrix4::<f64>::zeros(); 20];
    let part = |m: &Matrix4<f64>, b: usize| -> Matrix3x4<f64> {
        global * (m * model.inverse_absolute[b]).fixed_rows::<3>(0)
    };
    for b in 0..22 {
        let above = model.parents[b].map_or_else(Matrix4::identity, |parent| absolute[parent]);
        let placed = above * model.relative[b];
        if (2..21).contains(&b) && b % 4 != 1 {
            let (finger, joint) = ((b - 2) / 4, (b - 2) % 4);
            let angles = &theta.as_slice()[6 + 4 * finger..][..4];
            let (flexion, abduction) = match joint {
                0 => (angles[0], angles[1]),
                joint => (angles[joint + 1], 0.0),
            };
            let ((sx, cx), (sz, cz)) = (flexion.sin_cos(), abduction.sin_cos());
            let matrix = |columns: [[f64; 3]; 3], last| {
                let [x, y, z] = columns.map(|[a, b, c]| [a, b, c, 0.0]);
                Matrix4::from_column_slice(&[x, y, z, [0.0, 0.0, 0.0, last]].concat())
            };
            let turn = matrix(
                [
                    [cz, sz, 0.0],
                    [-sz * cx, cz * cx, sx],
                    [sz * sx, -cz * sx, cx],
                ],
                1.0,
            );
            let by_flexion = matrix(
                [[0.0; 3], [sz * sx, -cz * sx, cx], [sz * cx, -cz * cx, -sx]],
                0.0,
            );
            let relative = model.relative[b] * turn;
            let new = if joint == 0 { 0 } else { joint + 1 };
            let moved = &mut moved[4 * finger..][..4];
            moved[..new].iter_mut().for_each(|m| *m *= relative);
            moved[new] = placed * by_flexion;
            if joint == 0 {
                let by_abduction = matrix(
                    [
                        [-sz, cz, 0.0],
                        [-cz * cx, -sz * cx, 0.0],
                        [cz * sx, sz * sx, 0.0],
                    ],
                    0.0,
                );
                moved[1] = placed * by_abduction;
            }
            let known = joint + 2;
            for (slope, moved) in slopes[4 * finger..].iter_mut().zip(&moved[..known]) {
                slope
                    .fixed_columns_mut::<4>(4 * joint)
                    .copy_from(&part(moved, b));
            }
            absolute[b] = placed * turn;
        } else {
            absolute[b] = placed;
        }
        transforms
            .fixed_columns_mut::<4>(4 * b)
            .copy_from(&part(&absolute[b], b));
    }

    let turned = transforms * &rest;
    let mut jacobian = DMatrix::zeros(3 * n, 26);
    for (j, mut column) in jacobian.column_iter_mut().enumerate() {
        let mut column =
            MatrixViewMut::from_slice_generic(column.as_mut_slice(), Const::<3>, Dyn(n));
        match j {
            0..3 => column.gemm(
                -1.0,
                &turns.column(j).into_owned().cross_matrix(),
                &turned,
                0.0,
            ),
            3..6 => column.row_mut(j - 3).fill(-1.0),
            _ => {
                let of_finger = rest.fixed_rows::<12>(4 * (2 + 4 * ((j - 6) / 4)));
                column.gemm(-1.0, &slopes[j - 6], &of_finger, 0.0);
            }
        }
    }
    let value = DVector::from_fn(3 * n, |i, _| points[i] - turned[i] - theta[3 + i % 3]);
    (value, jacobian)
}

pub(super) fn simple_jacobian(
    theta: &SVector<f64, 26>,
    model: &Model,
    chosen: &[usize],
    points: &Matrix3xX<f64>,
) -> DMatrix<f64> {
    simple_value_and_jacobian(theta, model, chosen, points).1
}

pub(super) use {
    simple_jacobian as by_pose_jacobian, simple_value_and_jacobian as by_pose_value_and_jacobian,
};
