//! The small functions with num-dual's forward mode: value and gradient at once.

use nalgebra::{DMatrix, DVector, Matrix3, Matrix6x3, SVector, Vector3, Vector6};
use num_dual::{DualNum, DualSVec64, gradient};

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
