//! What several tests share: a numeric derivative and a comparison.

use nalgebra::DVector;

/// The derivative at zero, by central differences extrapolated to the step zero (Ridders 1982).
pub fn slope(f: impl Fn(f64) -> f64) -> f64 {
    let mut table: Vec<Vec<f64>> = Vec::new();
    let mut best = (f64::INFINITY, f64::NAN);
    for row in 0..10_usize {
        let h = 0.05 / 1.4_f64.powi(row as i32);
        let mut entries = vec![(f(h) - f(-h)) / (2.0 * h)];
        for k in 1..=row {
            let factor = 1.4_f64.powi(2 * k as i32);
            let previous = table[row - 1][k - 1];
            let entry = (entries[k - 1] * factor - previous) / (factor - 1.0);
            let error = (entry - entries[k - 1]).abs().max((entry - previous).abs());
            if error < best.0 {
                best = (error, entry);
            }
            entries.push(entry);
        }
        table.push(entries);
    }
    best.1
}

/// To nine digits.
#[track_caller]
pub fn assert_close(a: f64, b: f64) {
    assert!(
        (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())),
        "{a} and {b}"
    );
}

pub fn vector(entries: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(entries)
}
