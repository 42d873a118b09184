//! Times and allocations of each function and its derivatives: `cargo bench -p nalgrad-benches --bench listing`.

use divan::{AllocProfiler, Bencher};
use nalgrad_benches::{Case, Run, cases};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const WHAT: [&str; 5] = [
    "f",
    "gradient",
    "gradient_by_hand",
    "value_and_gradient",
    "value_and_gradient_by_hand",
];
const WHAT_WITH_DUAL_NUMBERS: [&str; 6] = [WHAT[0], WHAT[1], WHAT[2], WHAT[3], WHAT[4], "num_dual"];

fn bench(bencher: Bencher, name: &str, what: &str) {
    let (_, case) = cases()
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("a case for each function here");
    let run = select(case(), what);
    bencher.bench_local(|| run(1));
}

fn select(case: Case, what: &str) -> Run {
    match what {
        "f" => case.value,
        "gradient" => case.gradient.generated,
        "gradient_by_hand" => case.gradient.by_hand,
        "value_and_gradient" => case.value_and_gradient.generated,
        "value_and_gradient_by_hand" => case.value_and_gradient.by_hand,
        _ => case.by_dual_numbers.expect("a small function"),
    }
}

macro_rules! listing {
    ($what:ident: $($name:ident)*) => {$(
        #[divan::bench(args = $what)]
        fn $name(bencher: Bencher, what: &str) {
            bench(bencher, stringify!($name), what);
        }
    )*};
}

listing! { WHAT_WITH_DUAL_NUMBERS: neuron_small least_squares_small log_determinant rosenbrock_small }
listing! { WHAT: neuron least_squares logistic network rosenbrock gmm_small gmm lstm }
