//! Input and expected values of the objectives of ADBench, in `data/adbench/`.

#![allow(dead_code, reason = "each objective reads what it has")]

use nalgebra::DMatrix;

/// The numbers of a file, one after the other.
pub struct Numbers<'a>(std::str::SplitAsciiWhitespace<'a>);

impl<'a> Numbers<'a> {
    /// Those of a text.
    pub fn of(text: &'a str) -> Self {
        Self(text.split_ascii_whitespace())
    }

    /// The next one.
    pub fn number(&mut self) -> f64 {
        let word = self.0.next().expect("another number");
        word.parse().expect("a number")
    }

    /// The next one, which counts something.
    pub fn size(&mut self) -> usize {
        self.number() as usize
    }

    /// The next numbers, column by column.
    pub fn matrix(&mut self, rows: usize, columns: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| self.number())
    }
}

/// Compares a value and the entries of its gradient with what is expected, and gives the largest relative difference.
/// Panics where that is above 1e-10.
pub fn check(expected: &str, value: f64, gradient: &[f64]) -> f64 {
    let mut expected = Numbers::of(expected);
    let mut largest: f64 = 0.0;
    for (k, found) in [value].iter().chain(gradient).enumerate() {
        let right = expected.number();
        let difference = (found - right).abs() / right.abs().max(f64::MIN_POSITIVE);
        assert!(difference <= 1e-10, "number {k} is {found} and not {right}");
        largest = largest.max(difference);
    }
    assert!(
        expected.0.next().is_none(),
        "a part of the gradient is missing"
    );
    largest
}
