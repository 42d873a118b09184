//! Mistakes that do not compile, and what is said about them: a file a mistake.
//!
//! `TRYBUILD=overwrite cargo test -p nalgrad-tests --test ui` accepts new wordings.

use std::process::Command;

/// Mistakes that nalgrad reports itself.
#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Mistakes that are left to rustc, whose wording changes from release to release: read only by
/// the release that these were blessed with.
#[test]
fn mistakes_reported_by_rustc() {
    const BLESSED: &str = "rustc 1.95.";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.expect("rustc runs").stdout;
    if version.starts_with(BLESSED.as_bytes()) {
        trybuild::TestCases::new().compile_fail("tests/ui/rustc/*.rs");
    } else {
        println!("skipped: blessed with {BLESSED}x");
    }
}
