//! What a round of fuzzing found: each bug a small function of the kind that it was found in.
//!
//! Every test calls its function `f`, so that `expect!` and `logged!` find it and its companions.

// Odd on purpose.
#![allow(
    clippy::assign_op_pattern,
    clippy::let_and_return,
    clippy::misrefactored_assign_op,
    clippy::single_match,
    unused_must_use
)]

#[path = "../paper/oracle.rs"]
#[macro_use]
mod oracle;

/// `expect!((arguments) => gradient)` for the `f` that is in scope.
macro_rules! expect {
    ($($rest:tt)*) => {
        check!(f, f_gradient, f_value_and_gradient; $($rest)*)
    };
}

/// `logged!(x, "what f does")` for the `f(x, log)` that is in scope.
macro_rules! logged {
    ($x:expr, $words:expr) => {
        crate::assert_logged(f, f_gradient, f_value_and_gradient, $x, $words)
    };
}

/// Whether `f` and both companions panic with that text.
macro_rules! panics {
    (($($argument:expr),*) => $text:expr) => {{
        let text = Some(String::from($text));
        assert_eq!(panic_message(|| f($($argument),*)), text, "f");
        assert_eq!(panic_message(|| f_gradient($($argument),*)), text, "f_gradient");
        assert_eq!(panic_message(|| f_value_and_gradient($($argument),*)), text, "f_value_and_gradient");
    }};
}

mod branches;
mod calls;
mod emission;
mod generated;
mod inert;
mod kept;
mod loops;
mod references;
mod scoping;

use oracle::{BY_DIFFERENCES, assert_same, difference, panic_message, slope, value_difference};
use std::cell::RefCell;

/// A configuration, of which nothing is known to the macro.
struct Config {
    a: f64,
    b: f64,
}

const CONFIG: Config = Config { a: 2.0, b: 5.0 };

/// What a function does besides its result.
#[derive(Default)]
struct Log(RefCell<Vec<&'static str>>);

impl Log {
    /// The number of words so far, so that the order makes a difference.
    fn say(&self, word: &'static str) -> f64 {
        self.0.borrow_mut().push(word);
        self.0.borrow().len() as f64
    }

    fn agrees(&self, word: &'static str) -> bool {
        self.say(word) > 0.0
    }
}

/// `f` and both companions say these words, in this order, up to the same panic if there is one; else the value is
/// the same and the gradient that of differences.
fn assert_logged(
    f: fn(f64, &Log) -> f64,
    gradient: fn(f64, &Log) -> f64,
    both: fn(f64, &Log) -> (f64, f64),
    x: f64,
    words: &str,
) {
    fn run<R>(of: impl FnOnce(&Log) -> R) -> (Option<R>, Option<String>, String) {
        let log = Log::default();
        let mut result = None;
        let panic = panic_message(|| result = Some(of(&log)));
        (result, panic, log.0.into_inner().join(" "))
    }
    let (value, panic, said) = run(|log| f(x, log));
    assert_eq!(said, words, "f at {x}");
    let (slope_alone, panic_alone, said) = run(|log| gradient(x, log));
    assert_eq!(
        (said.as_str(), &panic_alone),
        (words, &panic),
        "f_gradient at {x}"
    );
    let (pair, panic_both, said) = run(|log| both(x, log));
    assert_eq!(
        (said.as_str(), &panic_both),
        (words, &panic),
        "f_value_and_gradient at {x}"
    );
    let (Some(value), Some(slope_alone), Some((value_both, slope_both))) =
        (value, slope_alone, pair)
    else {
        return;
    };
    let want = slope(x, |x| f(x, &Log::default()));
    assert_same("f_value_and_gradient", value_difference(value_both, value));
    assert_same(
        "f_gradient",
        difference(&slope_alone, &want, BY_DIFFERENCES),
    );
    assert_same(
        "f_value_and_gradient",
        difference(&slope_both, &want, BY_DIFFERENCES),
    );
}
