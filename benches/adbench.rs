//! Two objectives of ADBench, ready to run: the functions are those of the examples.

use std::hint::black_box;

use nalgebra::{
    DMatrix, DMatrixView, DVector, Matrix3, Matrix3xX, Matrix4, MatrixXx3, SMatrix, SVector,
};
use nalgrad::jacobian;

use crate::cases::{Case, Named, Pair, assert_agree, keep, run};

#[allow(dead_code)]
#[path = "../examples/adbench_ba.rs"]
mod ba;
#[path = "adbench_by_hand.rs"]
mod by_hand;
#[allow(dead_code)]
#[path = "../examples/adbench_hand.rs"]
mod hand;

use ba::{reproj, reproj_jacobian, reproj_value_and_jacobian};
use hand::{Model, simple, simple_jacobian, simple_value_and_jacobian};

pub(super) fn cases() -> Vec<Named<Case>> {
    vec![
        ("bundle_adjustment", bundle_adjustment_case),
        ("hand", hand_case),
        ("hand_by_pose", hand_by_pose_case),
    ]
}

fn bundle_adjustment_case() -> Case {
    let problem = keep(ba::Problem::read(ba::PROBLEMS[1].0));
    let o = &problem.observations[0];
    let (camera, point) = (&problem.cameras[o.camera], &problem.points[o.point]);
    case!(
        "Jacobian: bundle adjustment of ADBench, 2 × (11 + 3 + 1)",
        reproj,
        reproj_jacobian,
        reproj_value_and_jacobian(camera, point, o.weight, &o.feature),
        last = 1
    )
}

type Measured = (
    &'static SVector<f64, 26>,
    &'static Model,
    &'static [usize],
    &'static Matrix3xX<f64>,
);

fn measured() -> Measured {
    let (model, problems) = hand::problems();
    let problem = &keep(problems)[1].0;
    (
        &problem.theta,
        keep(model),
        &problem.chosen,
        &problem.points,
    )
}

fn hand_case() -> Case {
    let (theta, model, chosen, points) = measured();
    case!(
        "Jacobian: hand of ADBench, 100 points, 300 × 26",
        simple,
        simple_jacobian,
        simple_value_and_jacobian(theta, model, chosen, points),
        last = 1
    )
}

fn hand_by_pose_case() -> Case {
    let (theta, model, chosen, points) = measured();
    case!(
        "the same, by the Jacobian of its pose and a product",
        by_pose,
        by_pose_jacobian,
        by_pose_value_and_jacobian(theta, model, chosen, points),
        last = 1
    )
}

/// How the bones move what follows them, one below the other, and the translation, all transposed. The positions of the
/// vertices are linear in this.
#[jacobian(wrt(theta))]
fn pose(theta: &SVector<f64, 26>, model: &Model) -> SMatrix<f64, 89, 3> {
    let rotation = theta.fixed_rows::<3>(0);
    let angle = rotation.norm();
    let global = if angle < 1e-4 {
        Matrix3::identity()
    } else {
        let axis = rotation / angle;
        let (sin, cos) = angle.sin_cos();
        axis * axis.transpose() * (1.0 - cos)
            + Matrix3::identity() * cos
            + axis.cross_matrix() * sin
    };
    let mut absolute = SMatrix::<f64, 4, 88>::zeros();
    let mut pose = SMatrix::<f64, 89, 3>::zeros();
    for (b, parent) in model.parents.iter().enumerate() {
        let (mut flexion, mut abduction) = (0.0, 0.0);
        if b > 1 && b < 21 && b % 4 != 1 {
            let joint = 6 + 4 * ((b - 1) / 4) + (b - 1) % 4;
            if b % 4 == 2 {
                flexion = theta[joint - 1];
                abduction = theta[joint];
            } else {
                flexion = theta[joint];
            }
        }
        let (sx, cx) = flexion.sin_cos();
        let (sz, cz) = abduction.sin_cos();
        #[rustfmt::skip]
        let turn = Matrix4::new(
            cz, -sz * cx,  sz * sx, 0.0,
            sz,  cz * cx, -cz * sx, 0.0,
            0.0,      sx,       cx, 0.0,
            0.0,     0.0,      0.0, 1.0,
        );
        let relative: Matrix4<f64> = model.relative[b];
        let turned = relative * turn;
        let here = match parent {
            Some(parent) => absolute.fixed_columns::<4>(4 * parent) * turned,
            None => turned,
        };
        absolute.fixed_columns_mut::<4>(4 * b).copy_from(&here);
        let back: Matrix4<f64> = model.inverse_absolute[b];
        let moved = global * (here * back).fixed_rows::<3>(0);
        pose.fixed_rows_mut::<4>(4 * b)
            .copy_from(&moved.transpose());
    }
    let translation = theta.fixed_rows::<3>(3);
    pose.fixed_rows_mut::<1>(88)
        .copy_from(&translation.transpose());
    pose
}

/// What the pose is multiplied by: a row for each chosen vertex.
fn rest(model: &Model, chosen: &[usize]) -> DMatrix<f64> {
    let mut rest = DMatrix::from_element(chosen.len(), 89, 1.0);
    for (k, mut column) in rest.column_iter_mut().enumerate().take(88) {
        for (entry, &v) in column.iter_mut().zip(chosen) {
            *entry = model.weights[(k / 4, v)] * model.vertices[(k % 4, v)];
        }
    }
    rest
}

fn misses(positions: &MatrixXx3<f64>, points: &Matrix3xX<f64>) -> DVector<f64> {
    DVector::from_fn(points.len(), |i, _| points[i] - positions[(i / 3, i % 3)])
}

fn by_pose(
    theta: &SVector<f64, 26>,
    model: &Model,
    chosen: &[usize],
    points: &Matrix3xX<f64>,
) -> DVector<f64> {
    misses(&(rest(model, chosen) * pose(theta, model)), points)
}

fn by_pose_value_and_jacobian(
    theta: &SVector<f64, 26>,
    model: &Model,
    chosen: &[usize],
    points: &Matrix3xX<f64>,
) -> (DVector<f64>, DMatrix<f64>) {
    let rest = rest(model, chosen);
    let (pose, by_theta) = pose_value_and_jacobian(theta, model);
    let value = misses(&(&rest * pose), points);
    (value, product(&rest, by_theta))
}

fn by_pose_jacobian(
    theta: &SVector<f64, 26>,
    model: &Model,
    chosen: &[usize],
    _points: &Matrix3xX<f64>,
) -> DMatrix<f64> {
    product(&rest(model, chosen), pose_jacobian(theta, model))
}

/// One product for all 26 directions, in the order x, y, z of each vertex.
fn product(rest: &DMatrix<f64>, pose_by_theta: SMatrix<f64, 267, 26>) -> DMatrix<f64> {
    let slopes = rest * DMatrixView::from_slice(pose_by_theta.as_slice(), 89, 78);
    DMatrix::from_fn(3 * rest.nrows(), 26, |i, j| -slopes[(i / 3, 3 * j + i % 3)])
}
