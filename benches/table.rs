//! Prints Markdown tables: what the attributes wrote against what an expert wrote, in one run.
//!
//! ```text
//! cargo bench -p nalgrad-benches --bench table [-- [--rounds N] [NAME …]]
//! ```
//!
//! Both sides take turns, round after round, and a ratio is the median of the rounds' ratios, so that what slows the
//! machine for a while slows both. Each case first asserts that its derivatives agree.

use std::time::{Duration, Instant};

use nalgrad_benches::{Case, Named, Run, cases, matrices, products};

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

    let chosen = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    table(
        ["gradient", "value and gradient"],
        &cases(),
        rounds,
        &chosen,
    );
    table(
        ["Jacobian or Hessian", "with value and gradient"],
        &matrices(),
        rounds,
        &chosen,
    );

    println!("| function | gradient | gradient and product | to gradient | by hand | ratio |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (_, product) in products().into_iter().filter(|(name, _)| chosen(name)) {
        let product = product();
        let times = measure(&[&product.hvp, &product.gradient, &product.by_hand], rounds);
        println!(
            "| {} | {} | {} | **{:.2}** | {} | **{:.2}** |",
            product.name,
            typical(&times, 1),
            typical(&times, 0),
            ratio(&times, 0, 1),
            typical(&times, 2),
            ratio(&times, 0, 2),
        );
    }
    println!(
        "\nMedians of {rounds} rounds; allocations are those of the derivative alone, generated / by hand; num-dual gives the \
         value too."
    );
}

fn table(what: [&str; 2], cases: &[Named<Case>], rounds: usize, chosen: &impl Fn(&str) -> bool) {
    println!(
        "| function | f | {} | by hand | ratio | {} | by hand | ratio | allocations | num-dual |",
        what[0], what[1]
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let (mut alone, mut both) = (Vec::new(), Vec::new());
    for (_, case) in cases.iter().filter(|(name, _)| chosen(name)) {
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
        let allocations = |run: &Run| allocation_counter::measure(|| run(1)).count_total;
        println!(
            "| {} | {} | {} | {} | **{:.2}** | {} | {} | **{:.2}** | {} / {} | {} |",
            case.name,
            typical(&times, 4),
            typical(&times, 0),
            typical(&times, 1),
            ratio(&times, 0, 1),
            typical(&times, 2),
            typical(&times, 3),
            ratio(&times, 2, 3),
            allocations(&case.gradient.generated),
            allocations(&case.gradient.by_hand),
            if runs.len() > 5 {
                typical(&times, 5)
            } else {
                String::new()
            },
        );
        alone.push(ratio(&times, 0, 1));
        both.push(ratio(&times, 2, 3));
    }
    println!(
        "| geometric mean | | | | **{:.2}** | | | **{:.2}** | | |\n",
        mean(&alone),
        mean(&both)
    );
}

/// The median time of one side.
fn typical(times: &[Vec<f64>], side: usize) -> String {
    time(median(times.iter().map(|round| round[side]).collect()))
}

/// The median of the rounds' ratios.
fn ratio(times: &[Vec<f64>], side: usize, to: usize) -> f64 {
    median(times.iter().map(|round| round[side] / round[to]).collect())
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
