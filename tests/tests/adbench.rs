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
