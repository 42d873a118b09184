//! Annotated functions in a crate of the 2018 edition.
#![deny(warnings, missing_docs, rust_2018_idioms)]
#![forbid(unsafe_code)]

#[path = "../../functions.rs"]
mod functions;

pub use functions::*;
