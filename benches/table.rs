//! Prints a Markdown table: what `#[gradient]` wrote against what an expert wrote, in one run.
//!
//! ```text
//! cargo bench -p nalgrad-benches --bench table [-- [--rounds N] [NAME …]]
//! ```
//!
//! Both sides take turns, round after round, and a ratio is the median of the rounds' ratios, so that what slows the
//! machine for a while slows both. Each case first asserts that its gradients agree.

use std::time::{Duration, Instant};

use nalgrad_benches::{Run, cases};

/// What one turn should take.
const TURN: Duration = Duration::from_micros(300);

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let (mut rounds, mut timed, mut names) = (300, false, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => timed = true,
            "--rounds" => {
                rounds = arguments
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("a number of rounds")
            }
            _ => names.push(argument),
        }
    }
    // `cargo test --benches` only checks.
    let rounds = if timed { rounds } else { 1 };

    println!(
        "| function | f | gradient | by hand | ratio | value and gradient | by hand | ratio | allocations | num-dual |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let (mut gradients, mut both) = (Vec::new(), Vec::new());
    for (_, case) in cases()
        .into_iter()
        .filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name))
    {
        let case = case();
        let mut runs = vec![
            &case.gradient.generated,
            &case.gradient.by_hand,
            &case.value_and_gradient.generated,
            &case.value_and_gradient.by_hand,
            &case.value,
        ];
        runs.extend(&case.by_dual_numbers);
        let times = measure(&runs, rounds);
        let of = |side: usize| time(median(times.iter().map(|round| round[side]).collect()));
        let ratio = |side: usize| {
            median(
                times
                    .iter()
                    .map(|round| round[side] / round[side + 1])
                    .collect(),
            )
        };
        let allocations = |run: &Run| allocation_counter::measure(|| run(1)).count_total;
        println!(
            "| {} | {} | {} | {} | **{:.2}** | {} | {} | **{:.2}** | {} / {} | {} |",
            case.name,
            of(4),
            of(0),
            of(1),
            ratio(0),
            of(2),
            of(3),
            ratio(2),
            allocations(&case.gradient.generated),
            allocations(&case.gradient.by_hand),
            if runs.len() > 5 { of(5) } else { String::new() },
        );
        gradients.push(ratio(0));
        both.push(ratio(2));
    }
    println!(
        "| geometric mean | | | | **{:.2}** | | | **{:.2}** | | |",
        mean(&gradients),
        mean(&both)
    );
    println!(
        "\nMedians of {rounds} rounds; allocations of the gradient, generated / by hand; num-dual gives both."
    );
}

/// Nanoseconds a call, for each round and run.
fn measure(runs: &[&Run], rounds: usize) -> Vec<Vec<f64>> {
    let calls: Vec<usize> = runs.iter().map(|run| calls_in_a_turn(run)).collect();
    let round = |round: usize| {
        let mut times = vec![0.0; runs.len()];
        // Who goes first changes from round to round.
        for turn in 0..runs.len() {
            let side = if round.is_multiple_of(2) {
                turn
            } else {
                runs.len() - 1 - turn
            };
            let start = Instant::now();
            runs[side](calls[side]);
            times[side] = start.elapsed().as_nanos() as f64 / calls[side] as f64;
        }
        times
    };
    (0..rounds).map(round).collect()
}

fn calls_in_a_turn(run: &Run) -> usize {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        run(calls);
        if start.elapsed() >= TURN {
            return calls;
        }
        calls *= 2;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The geometric mean, which suits ratios.
fn mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 100.0 => format!("{ns:.1} ns"),
        ns if ns < 1e4 => format!("{ns:.0} ns"),
        ns => format!("{:.1} µs", ns / 1e3),
    }
}
