//! Derivatives that nalgrad writes, against the best that an expert writes by hand with nalgebra.
//!
//! ```text
//! cargo bench -p nalgrad-benches --bench table        # ratios, as Markdown tables
//! cargo bench -p nalgrad-benches --bench listing      # times and allocations of each function
//! cargo run   -p nalgrad-benches --example expansion  # what the macro itself takes
//! bash benches/build_cost.sh                          # what nalgrad adds to a clean build
//! ```

#![allow(clippy::duplicate_mod, reason = "two examples share a module")]

#[allow(dead_code)]
#[path = "../examples/digits.rs"]
mod digits;

#[allow(dead_code)]
#[path = "../examples/adbench_gmm.rs"]
mod gmm;

#[allow(dead_code)]
#[path = "../examples/adbench_lstm.rs"]
mod lstm;

mod by_dual_numbers;
mod by_hand;
mod cases;
mod functions;
mod matrices;
mod sweeps_by_hand;

pub use cases::{Case, Named, Pair, Run, cases};
pub use matrices::{Product, matrices, products};
