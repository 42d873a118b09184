//! P88: the neuron of P63 learns the petal width of an iris from its other three measurements.

use crate::oracle::{Tolerance, slope, slopes};
use nalgebra::{DMatrix, DVector};
use nalgrad::gradient;

pub const NAMES: &[&str] = &["p88"];

#[gradient(wrt(w, b))]
fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    (y - activation).norm_squared() / y.len() as f64
}

/// Samples by rows, and what is to be learned.
fn iris() -> (DMatrix<f64>, DVector<f64>) {
    let lines = include_str!("../../data/iris.csv").lines();
    let numbers: Vec<f64> = lines
        .flat_map(|line| line.split(','))
        .map(|n| n.parse().unwrap())
        .collect();
    let table = DMatrix::from_row_slice(numbers.len() / 4, 4, &numbers);
    (
        table.columns(0, 3).into_owned(),
        table.column(3).into_owned(),
    )
}

/// 2/N Σ over the active samples of (w·xᵢ + b − yᵢ) xᵢ, and of (w·xᵢ + b − yᵢ).
fn closed_form(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (DVector<f64>, f64) {
    let (mut dw, mut db) = (DVector::zeros(w.len()), 0.0);
    for i in 0..y.len() {
        let z = (0..w.len()).map(|j| w[j] * x[(i, j)]).sum::<f64>() + b;
        if z > 0.0 {
            let share = 2.0 / y.len() as f64 * (z - y[i]);
            (0..w.len()).for_each(|j| dw[j] += share * x[(i, j)]);
            db += share;
        }
    }
    (dw, db)
}

#[test]
fn p88() {
    let (x, y) = iris();
    assert_eq!(x.shape(), (20, 3));
    // Some samples are inactive at the start, none near the kink.
    let (mut w, mut b) = (DVector::from_vec(vec![0.4, -1.0, 0.5]), 0.1);
    let active = |w: &DVector<f64>, b: f64| (&x * w).iter().filter(|z| **z + b > 0.0).count();
    assert!((1..20).contains(&active(&w, b)));
    check!(
        cost, cost_gradient, cost_value_and_gradient;
        (&w, b, &x, &y) => (slopes(&w, |w| cost(w, b, &x, &y)), slope(b, |b| cost(&w, b, &x, &y))),
        crate::oracle::BY_DIFFERENCES
    );

    // Half of 1/L for the largest curvature L of the cost, 2/N Σ (‖xᵢ‖² + 1) at most.
    let eta = 0.5 / (2.0 * (x.norm_squared() / 20.0 + 1.0));
    let start = cost(&w, b, &x, &y);
    for step in 0..1000 {
        check!(
            cost, cost_gradient, cost_value_and_gradient;
            (&w, b, &x, &y) => closed_form(&w, b, &x, &y), Tolerance::Normwise(1e-12)
        );
        let (before, (dw, db)) = cost_value_and_gradient(&w, b, &x, &y);
        w -= eta * dw;
        b -= eta * db;
        let after = cost(&w, b, &x, &y);
        assert!(after < before, "step {step}: {before:e} to {after:e}");
    }
    assert!(
        cost(&w, b, &x, &y) < start / 3.0,
        "learned from {start} to {}",
        cost(&w, b, &x, &y)
    );
}
