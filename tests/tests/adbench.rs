//! The objectives of ADBench in `examples/`, against the benchmark's own values and gradients.

#![allow(clippy::duplicate_mod, reason = "two examples share a module")]

#[path = "../../examples/adbench_lstm.rs"]
#[allow(dead_code, reason = "its `main` is for people")]
mod lstm;

#[path = "../../examples/adbench_gmm.rs"]
#[allow(dead_code, reason = "its `main` is for people")]
mod gmm;

#[test]
fn lstm_over_1024_characters() {
    let text = include_str!("../../examples/data/adbench/lstm_l2_c1024.txt");
    let expected = include_str!("../../examples/data/adbench/lstm_l2_c1024.expected.txt");
    let [main, extra, state, sequence] = lstm::read(text);
    let value = lstm::objective(&main, &extra, &state, &sequence);
    let (same, gradient) = lstm::objective_value_and_gradient(&main, &extra, &state, &sequence);
    assert_eq!(value, same);
    assert_eq!(
        lstm::objective_gradient(&main, &extra, &state, &sequence),
        gradient
    );
    let entries: Vec<f64> = gradient.0.iter().chain(&gradient.1).copied().collect();
    lstm::adbench::check(expected, value, &entries);
}

fn gmm(text: &str, expected: &str) {
    let (alphas, means, factors, x, prior) = gmm::read(text);
    let value = gmm::objective(&alphas, &means, &factors, &x, prior);
    let (same, gradient) = gmm::objective_value_and_gradient(&alphas, &means, &factors, &x, prior);
    assert_eq!(value, same);
    assert_eq!(
        gmm::objective_gradient(&alphas, &means, &factors, &x, prior),
        gradient
    );
    let entries = gradient.0.iter().chain(&gradient.1).chain(&gradient.2);
    let entries: Vec<f64> = entries.copied().collect();
    gmm::adbench::check(expected, value, &entries);
}

/// The same mixture, point by point.
mod by_points {
    use nalgebra::{DMatrix, DVector};
    use nalgrad::gradient;
    use std::f64::consts::PI;

    #[gradient(wrt(alphas, means, factors))]
    pub fn objective(
        alphas: &DVector<f64>,
        means: &DMatrix<f64>,
        factors: &DMatrix<f64>,
        x: &DMatrix<f64>,
        (gamma, m): (f64, f64),
    ) -> f64 {
        let (d, k) = means.shape();
        let n = x.ncols();
        let mut beta = DMatrix::zeros(k, n);
        let mut prior = -(k as f64) * super::gmm::normalisation(d, gamma, m);
        for c in 0..k {
            let logs = factors.column(c).rows(0, d).into_owned();
            let mut factor = DMatrix::from_diagonal(&logs.map(f64::exp));
            let mut at = d;
            for j in 0..d {
                for i in j + 1..d {
                    factor[(i, j)] = factors[(at, c)];
                    at += 1;
                }
            }
            let log_weight = alphas[c] + logs.sum();
            for i in 0..n {
                let y = &factor * (x.column(i) - means.column(c));
                beta[(c, i)] = log_weight - 0.5 * y.norm_squared();
            }
            prior += 0.5 * gamma * gamma * factor.norm_squared() - m * logs.sum();
        }
        let mut total = prior - 0.5 * (n * d) as f64 * (2.0 * PI).ln();
        for i in 0..n {
            let largest = beta.column(i).max();
            let sum = beta.column(i).map(|b| (b - largest).exp()).sum();
            total += largest + sum.ln();
        }
        let largest = alphas.max();
        let sum = alphas.map(|a| (a - largest).exp()).sum();
        total - n as f64 * (largest + sum.ln())
    }
}

#[test]
fn gmm_point_by_point() {
    let text = include_str!("../../examples/data/adbench/gmm_d2_K5.txt");
    let expected = include_str!("../../examples/data/adbench/gmm_d2_K5.expected.txt");
    let (alphas, means, factors, x, prior) = gmm::read(text);
    let (value, gradient) =
        by_points::objective_value_and_gradient(&alphas, &means, &factors, &x, prior);
    assert_eq!(
        value,
        by_points::objective(&alphas, &means, &factors, &x, prior)
    );
    let entries = gradient.0.iter().chain(&gradient.1).chain(&gradient.2);
    let entries: Vec<f64> = entries.copied().collect();
    gmm::adbench::check(expected, value, &entries);
}

#[test]
fn gmm_of_one_point() {
    gmm(
        include_str!("../../examples/data/adbench/gmm_test.txt"),
        include_str!("../../examples/data/adbench/gmm_test.expected.txt"),
    );
}

#[test]
fn gmm_of_1000_points() {
    gmm(
        include_str!("../../examples/data/adbench/gmm_d2_K5.txt"),
        include_str!("../../examples/data/adbench/gmm_d2_K5.expected.txt"),
    );
}
