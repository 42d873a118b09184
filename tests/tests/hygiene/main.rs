//! Generated code in the surroundings that people put it into: it must compile there without a
//! warning, and its numbers must be right.
#![deny(warnings, missing_docs, rust_2018_idioms)]
#![forbid(unsafe_code)]
// Odd on purpose; what clippy says to generated code is the subject of `lints.rs`.
#![allow(
    clippy::boxed_local,
    clippy::let_and_return,
    clippy::needless_lifetimes,
    clippy::never_loop,
    clippy::non_minimal_cfg,
    clippy::op_ref,
    clippy::too_many_arguments,
    clippy::useless_vec
)]

mod attributes;
mod edition_2024;
mod impls;
mod inert;
mod macros;
mod modules;
mod names;
mod types;

/// Whether two numbers are the same up to rounding.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}
