//! The objectives of ADBench in `examples/`, against the benchmark's own values and gradients.

#[path = "../../examples/adbench_lstm.rs"]
#[allow(dead_code, reason = "its `main` is for people")]
mod lstm;

use lstm::adbench::check;

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
    check(expected, value, &entries);
}
