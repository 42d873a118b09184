//! The likelihood of a mixture of normal distributions, one of the four objectives of ADBench:
//! `cargo run --release --example adbench_gmm`.
//!
//! F. Srajer, Z. Kukelova, A. Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems in
//! computer vision and machine learning", Optimization Methods and Software 33 (2018). The value and the gradient are
//! checked against the benchmark's own.

pub mod adbench;

use adbench::{Numbers, check};
use nalgebra::{DMatrix, DVector};
use nalgrad::gradient;
use std::f64::consts::PI;

/// The logarithm of the likelihood of the points, the columns of `x`, and of a Wishart prior, with ADBench's sign.
///
/// A component has an entry of `alphas`, the logarithm of its weight up to a constant, and a column of `means`. Its
/// column of `factors` has the inverse of a triangular factor of its covariance: the logarithms of the diagonal, then
/// what is below that, column by column.
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
    let mut prior = -(k as f64) * normalisation(d, gamma, m);
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
        let mut y = &factor * x;
        let centre = &factor * means.column(c);
        for mut column in y.column_iter_mut() {
            column -= &centre;
        }
        let log_weight = alphas[c] + logs.sum();
        for i in 0..n {
            beta[(c, i)] = log_weight - 0.5 * y.column(i).norm_squared();
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

/// The logarithm of the normalising constant of the prior.
pub fn normalisation(d: usize, gamma: f64, m: f64) -> f64 {
    // Of half of an integer.
    fn log_gamma(a: f64) -> f64 {
        match a {
            1.0 => 0.0,
            0.5 => 0.5 * PI.ln(),
            _ => (a - 1.0).ln() + log_gamma(a - 1.0),
        }
    }
    let (size, freedom) = (d as f64, d as f64 + m + 1.0);
    let gammas = (0..d).map(|j| log_gamma(0.5 * (freedom - j as f64)));
    freedom * size * (gamma.ln() - 0.5 * 2f64.ln())
        - 0.25 * size * (size - 1.0) * PI.ln()
        - gammas.sum::<f64>()
}

/// What `objective` takes.
pub type Input = (
    DVector<f64>,
    DMatrix<f64>,
    DMatrix<f64>,
    DMatrix<f64>,
    (f64, f64),
);

/// The input in a file.
pub fn read(text: &str) -> Input {
    let mut numbers = Numbers::of(text);
    let (d, k, n) = (numbers.size(), numbers.size(), numbers.size());
    (
        numbers.matrix(k, 1).column(0).into_owned(),
        numbers.matrix(d, k),
        numbers.matrix(d * (d + 1) / 2, k),
        numbers.matrix(d, n),
        (numbers.number(), numbers.number()),
    )
}

fn main() {
    let (alphas, means, factors, x, prior) = read(include_str!("data/adbench/gmm_d2_K5.txt"));
    let (value, gradient) = objective_value_and_gradient(&alphas, &means, &factors, &x, prior);
    println!(
        "{} points in {} dimensions, {} components\n",
        x.ncols(),
        x.nrows(),
        alphas.len()
    );
    let entries = gradient.0.iter().chain(&gradient.1).chain(&gradient.2);
    let entries: Vec<f64> = entries.copied().collect();
    println!("objective             {value:.10}");
    let norm = DVector::from_column_slice(&entries).norm();
    println!("norm of the gradient  {norm:.10}");
    let expected = include_str!("data/adbench/gmm_d2_K5.expected.txt");
    let difference = check(expected, value, &entries);
    println!("largest relative difference to ADBench's numbers: {difference:.1e}");
}
