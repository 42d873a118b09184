//! What is differentiated, as a nalgebra user would write it. The loss of the network is the one in
//! `examples/digits.rs`, the objectives of ADBench are those in `examples/adbench_gmm.rs` and `adbench_lstm.rs`.

use nalgebra::{DMatrix, DVector, Matrix3, Matrix6x3, SVector, Vector3, Vector6};
use nalgrad::gradient;

pub(crate) use crate::gmm::{
    objective as gmm, objective_gradient as gmm_gradient,
    objective_value_and_gradient as gmm_value_and_gradient,
};
pub(crate) use crate::lstm::{
    objective as lstm, objective_gradient as lstm_gradient,
    objective_value_and_gradient as lstm_value_and_gradient,
};

#[gradient(wrt(w, b))]
pub(crate) fn neuron(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    (y - activation).norm_squared() / y.len() as f64
}

#[gradient(wrt(x))]
pub(crate) fn least_squares_static(a: &Matrix6x3<f64>, x: &Vector3<f64>, b: &Vector6<f64>) -> f64 {
    (a * x - b).norm_squared()
}

#[gradient(wrt(x))]
pub(crate) fn least_squares(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a * x - b).norm_squared()
}

#[gradient(wrt(w))]
pub(crate) fn logistic(w: &DVector<f64>, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    (x * w).zip_map(y, |z, y| (1.0 + (-y * z).exp()).ln()).sum()
}

#[gradient]
pub(crate) fn log_determinant(x: &Matrix3<f64>) -> f64 {
    x.determinant().ln()
}

#[gradient]
pub(crate) fn rosenbrock_static(x: &SVector<f64, 10>) -> f64 {
    let (a, b) = (x.fixed_rows::<9>(0), x.fixed_rows::<9>(1));
    a.zip_map(&b, |a, b| 100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2))
        .sum()
}

#[gradient]
pub(crate) fn rosenbrock(x: &DVector<f64>) -> f64 {
    let n = x.len();
    let (a, b) = (x.rows(0, n - 1), x.rows(1, n - 1));
    a.zip_map(&b, |a, b| 100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2))
        .sum()
}
