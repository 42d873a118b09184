//! The small functions with num-dual's forward mode: value and derivative at once.

use nalgebra::{
    DMatrix, DVector, Matrix2x6, Matrix3, Matrix6x3, SMatrix, SVector, Vector2, Vector3, Vector6,
};
use num_dual::{DualNum, DualSVec64, gradient, jacobian};

/// Of four weights and the bias.
pub(crate) fn neuron(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (f64, SVector<f64, 5>) {
    let parameters = SVector::from([w[0], w[1], w[2], w[3], b]);
    gradient(
        |p: SVector<DualSVec64<5>, 5>| {
            let mut squares = DualSVec64::from(0.0);
            for (x, &y) in x.row_iter().zip(y) {
                let z = p[0] * x[0] + p[1] * x[1] + p[2] * x[2] + p[3] * x[3] + p[4];
                let activation = if z.re > 0.0 { z } else { DualSVec64::from(0.0) };
                squares += (activation - y).powi(2);
            }
            squares / y.len() as f64
        },
        &parameters,
    )
}

pub(crate) fn least_squares_static(
    a: &Matrix6x3<f64>,
    x: &Vector3<f64>,
    b: &Vector6<f64>,
) -> (f64, Vector3<f64>) {
    gradient(
        |x: Vector3<DualSVec64<3>>| {
            let mut squares = DualSVec64::from(0.0);
            for (a, &b) in a.row_iter().zip(b) {
                squares += (x[0] * a[0] + x[1] * a[1] + x[2] * a[2] - b).powi(2);
            }
            squares
        },
        x,
    )
}

pub(crate) fn log_determinant(x: &Matrix3<f64>) -> (f64, SVector<f64, 9>) {
    let entries = SVector::from_column_slice(x.as_slice());
    gradient(
        |x: SVector<DualSVec64<9>, 9>| Matrix3::from_column_slice(x.as_slice()).determinant().ln(),
        &entries,
    )
}

pub(crate) fn rosenbrock_static(x: &SVector<f64, 10>) -> (f64, SVector<f64, 10>) {
    gradient(
        |x: SVector<DualSVec64<10>, 10>| {
            let mut value = DualSVec64::from(0.0);
            for i in 0..9 {
                value += (x[i + 1] - x[i] * x[i]).powi(2) * 100.0 + (-x[i] + 1.0).powi(2);
            }
            value
        },
        x,
    )
}

/// The point as the camera sees it.
fn moved<const N: usize>(pose: &[DualSVec64<N>], point: &Vector3<f64>) -> [DualSVec64<N>; 3] {
    let [x, y, z] = [0, 1, 2].map(|i| pose[i]);
    let angle = (x * x + y * y + z * z).sqrt();
    let (x, y, z) = (x / angle, y / angle, z / angle);
    let (sin, cos) = angle.sin_cos();
    let along = (x * point.x + y * point.y + z * point.z) * (-cos + 1.0);
    [
        cos * point.x + (y * point.z - z * point.y) * sin + x * along + pose[3],
        cos * point.y + (z * point.x - x * point.z) * sin + y * along + pose[4],
        cos * point.z + (x * point.y - y * point.x) * sin + z * along + pose[5],
    ]
}

pub(crate) fn reprojection(
    pose: &Vector6<f64>,
    point: &Vector3<f64>,
    focal: &Vector2<f64>,
    centre: &Vector2<f64>,
) -> (Vector2<f64>, Matrix2x6<f64>) {
    jacobian(
        |pose: SVector<DualSVec64<6>, 6>| {
            let [x, y, z] = moved(pose.as_slice(), point);
            Vector2::new(x / z * focal.x + centre.x, y / z * focal.y + centre.y)
        },
        pose,
    )
}

pub(crate) fn calibration(
    camera: &SVector<f64, 15>,
    point: &Vector3<f64>,
) -> (Vector2<f64>, SMatrix<f64, 2, 15>) {
    jacobian(
        |camera: SVector<DualSVec64<15>, 15>| {
            let [x, y, z] = moved(camera.as_slice(), point);
            let (x, y) = (x / z, y / z);
            let [k1, k2, p1, p2, k3] = [10, 11, 12, 13, 14].map(|i| camera[i]);
            let r2 = x * x + y * y;
            let radial = r2 * (k1 + r2 * (k2 + r2 * k3)) + 1.0;
            let u = x * radial + p1 * x * y * 2.0 + p2 * (r2 + x * x * 2.0);
            let v = y * radial + p1 * (r2 + y * y * 2.0) + p2 * x * y * 2.0;
            Vector2::new(camera[6] * u + camera[8], camera[7] * v + camera[9])
        },
        camera,
    )
}
