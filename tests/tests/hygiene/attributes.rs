//! Attributes of a function that its companions share, in any order around `#[gradient]`.

use std::panic::Location;

use nalgebra::DVector;
use nalgrad::gradient;

use crate::close;

/// Documentation of the function, with a [`link`](close) and `code`.
///
/// ```ignore
/// not_an_example_of_the_companion();
/// ```
#[inline]
#[gradient]
fn inline_above(x: f64) -> f64 {
    x * x
}

#[gradient]
#[inline(always)]
fn inline_below(x: f64) -> f64 {
    x * x
}

#[must_use = "it was computed"]
#[gradient(wrt(x))]
#[inline]
fn important(x: f64) -> f64 {
    x.sin()
}

#[gradient]
#[track_caller]
fn line_of_caller(x: f64) -> f64 {
    let line = f64::from(Location::caller().line());
    line * x
}

#[allow(non_snake_case)]
#[gradient]
fn Energy(X: &DVector<f64>) -> f64 {
    X.norm_squared()
}

#[gradient]
#[expect(unused_variables, reason = "it will be used when there is wind")]
fn without_wind(x: f64, wind: f64) -> f64 {
    x * x
}

#[gradient(wrt(x))]
#[expect(non_snake_case, reason = "as in the paper")]
fn Force(x: f64, n: f64) -> f64 {
    n * x
}

/// Only one of these two exists.
#[cfg(test)]
#[gradient]
fn configured(x: f64) -> f64 {
    2.0 * x
}

#[gradient]
#[cfg(not(test))]
fn configured(x: f64) -> f64 {
    square(x)
}

#[cfg_attr(test, gradient(wrt(x)))]
#[cfg_attr(test, must_use)]
fn conditionally_annotated(x: f64, y: f64) -> f64 {
    y * x * x
}

#[cfg_attr(not(test), gradient)]
fn not_annotated(x: f64) -> f64 {
    fn square(x: f64) -> f64 {
        x * x
    }
    square(x)
}

#[gradient(wrt(x))]
#[doc(hidden)]
#[doc(alias = "weigh")]
#[cold]
fn with_a_comma_at_the_end(x: f64, y: f64) -> f64 {
    x * y
}

#[test]
fn inline_is_copied_once() {
    assert!(close(inline_above_gradient(3.0), 6.0));
    assert!(close(inline_below_gradient(3.0), 6.0));
    assert_eq!(inline_above_value_and_gradient(3.0).0, inline_above(3.0));
    assert_eq!(inline_below_value_and_gradient(3.0).0, inline_below(3.0));
}

#[test]
fn must_use_is_copied() {
    #[expect(unused_must_use)]
    {
        important(0.5);
    }
    #[expect(unused_must_use)]
    {
        important_gradient(0.5);
    }
    #[expect(unused_must_use)]
    {
        important_value_and_gradient(0.5);
    }
    assert!(close(important_gradient(0.5), 0.5_f64.cos()));
}

#[test]
fn track_caller_is_copied() {
    let (expected, got) = (line!(), line_of_caller_gradient(1.0));
    assert_eq!(got, f64::from(expected));
    let (expected, (value, got)) = (line!(), line_of_caller_value_and_gradient(2.0));
    assert_eq!(
        (value, got),
        (2.0 * f64::from(expected), f64::from(expected))
    );
    assert_eq!(line_of_caller(1.0), f64::from(line!()));
}

#[test]
fn lint_attributes_are_copied() {
    let x = DVector::from_row_slice(&[1.0, -2.0]);
    assert_eq!(Energy_gradient(&x), &x * 2.0);
    assert_eq!(Energy_value_and_gradient(&x).0, Energy(&x));
    assert_eq!(without_wind_gradient(3.0, 1.0), (6.0, 0.0));
    assert_eq!(
        without_wind_value_and_gradient(3.0, 1.0).0,
        without_wind(3.0, 1.0)
    );
    assert_eq!(Force_gradient(3.0, 5.0), 5.0);
    assert_eq!(Force_value_and_gradient(3.0, 5.0).0, Force(3.0, 5.0));
}

#[test]
fn cfg_is_copied() {
    assert_eq!(configured_gradient(3.0), 2.0);
    assert_eq!(configured_value_and_gradient(3.0), (configured(3.0), 2.0));
    assert!(close(conditionally_annotated_gradient(3.0, 0.5), 3.0));
    let (value, _) = conditionally_annotated_value_and_gradient(3.0, 0.5);
    assert_eq!(value, conditionally_annotated(3.0, 0.5));
    assert_eq!(not_annotated(3.0), 9.0);
    assert_eq!(with_a_comma_at_the_end_gradient(3.0, 0.5), 0.5);
    assert_eq!(
        with_a_comma_at_the_end_value_and_gradient(3.0, 0.5).0,
        with_a_comma_at_the_end(3.0, 0.5)
    );
}
