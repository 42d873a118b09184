//! A recurrent network over a long sequence, one of the four objectives of ADBench:
//! `cargo run --release --example adbench_lstm`.
//!
//! F. Srajer, Z. Kukelova, A. Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems in
//! computer vision and machine learning", Optimization Methods and Software 33 (2018). All weights are diagonal, so that
//! a layer works unit by unit. The value and the gradient are checked against the benchmark's own.

pub mod adbench;

use adbench::{Numbers, check};
use nalgebra::DMatrix;
use nalgrad::gradient;

/// Minus the mean logarithm of the likelihood that the network gives to each character after those before it.
///
/// A column of `sequence` is a character. A layer has eight columns of `main`: the weights of its gates (forget, input,
/// output) and of its change, then their biases; and two of `state`: what it gives, and its memory. `extra` has a column
/// of weights for what comes in, and one of weights and one of biases for what goes out.
#[gradient(wrt(main, extra))]
pub fn objective(
    main: &DMatrix<f64>,
    extra: &DMatrix<f64>,
    state: &DMatrix<f64>,
    sequence: &DMatrix<f64>,
) -> f64 {
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let mut state = state.clone();
    let mut total = 0.0;
    for t in 0..sequence.ncols() - 1 {
        let mut x = sequence.column(t).component_mul(&extra.column(0));
        for layer in 0..state.ncols() / 2 {
            let w = main.columns(8 * layer, 4);
            let b = main.columns(8 * layer + 4, 4);
            let hidden = state.column(2 * layer);
            let memory = state.column(2 * layer + 1);
            let forget = (x.component_mul(&w.column(0)) + b.column(0)).map(sigmoid);
            let ingate = (hidden.component_mul(&w.column(1)) + b.column(1)).map(sigmoid);
            let outgate = (x.component_mul(&w.column(2)) + b.column(2)).map(sigmoid);
            let change = (hidden.component_mul(&w.column(3)) + b.column(3)).map(f64::tanh);
            let memory = memory.component_mul(&forget) + ingate.component_mul(&change);
            x = outgate.component_mul(&memory.map(f64::tanh));
            state.set_column(2 * layer, &x);
            state.set_column(2 * layer + 1, &memory);
        }
        let y = x.component_mul(&extra.column(1)) + extra.column(2);
        let log_sum = (2.0 + y.map(f64::exp).sum()).ln();
        total += sequence.column(t + 1).dot(&y.add_scalar(-log_sum));
    }
    -total / (sequence.nrows() * (sequence.ncols() - 1)) as f64
}

/// `main`, `extra`, `state` and `sequence` of a file.
pub fn read(text: &str) -> [DMatrix<f64>; 4] {
    let mut numbers = Numbers::of(text);
    let (layers, characters, units) = (numbers.size(), numbers.size(), numbers.size());
    [8 * layers, 3, 2 * layers, characters].map(|columns| numbers.matrix(units, columns))
}

fn main() {
    let [main, extra, state, sequence] = read(include_str!("data/adbench/lstm_l2_c1024.txt"));
    let (value, (d_main, d_extra)) = objective_value_and_gradient(&main, &extra, &state, &sequence);
    println!(
        "{} layers of {} units over {} characters: {} parameters\n",
        state.ncols() / 2,
        state.nrows(),
        sequence.ncols(),
        main.len() + extra.len()
    );
    println!("objective             {value:.15}");
    let gradient: Vec<f64> = d_main.iter().chain(&d_extra).copied().collect();
    println!(
        "norm of the gradient  {:.15}",
        d_main.norm().hypot(d_extra.norm())
    );
    let expected = include_str!("data/adbench/lstm_l2_c1024.expected.txt");
    let difference = check(expected, value, &gradient);
    println!("largest relative difference to ADBench's numbers: {difference:.1e}");
}
