//! The passes of the macro, included by path, so that tests and benchmarks can run them in process.

#![allow(dead_code, missing_docs, reason = "the macro's own crate checks these")]

#[path = "../../macros/src/args.rs"]
pub mod args;
#[path = "../../macros/src/companion/mod.rs"]
pub mod companion;
#[path = "../../macros/src/derivation/mod.rs"]
pub mod derivation;
#[path = "../../macros/src/differentiate/mod.rs"]
pub mod differentiate;
#[path = "../../macros/src/emit/mod.rs"]
pub mod emit;
#[path = "../../macros/src/error.rs"]
pub mod error;
#[path = "../../macros/src/graph.rs"]
pub mod graph;
#[path = "../../macros/src/jacobian.rs"]
pub mod jacobian;
#[path = "../../macros/src/lower/mod.rs"]
pub mod lower;
#[path = "../../macros/src/notation/mod.rs"]
pub mod notation;
#[path = "../../macros/src/position.rs"]
pub mod position;
#[path = "../../macros/src/rules.rs"]
pub mod rules;
#[path = "../../macros/src/scope.rs"]
pub mod scope;
#[path = "../../macros/src/signature.rs"]
pub mod signature;
#[path = "../../macros/src/simplify.rs"]
pub mod simplify;
#[path = "../../macros/src/surface.rs"]
pub mod surface;
#[path = "../../macros/src/ty.rs"]
pub mod ty;
