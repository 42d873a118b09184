//! Annotated functions that `macro_rules!` writes, whole or in part.

use nalgebra::{DVector, Matrix2, Vector3};
use nalgrad::gradient;

use crate::close;

/// A whole function, without arguments: every token is the macro's.
macro_rules! whole_function {
    () => {
        #[gradient]
        fn whole(x: f64, w: &DVector<f64>) -> f64 {
            let y = x * x;
            let z = w.map(|z| z * y);
            z.norm_squared() + y
        }
    };
}

whole_function!();

/// Name, types and body are the caller's: the fragments come in invisible brackets.
macro_rules! function {
    ($(#[$meta:meta])* $visibility:vis $name:ident($($x:ident: $ty:ty),*) -> $result:ty = $body:expr) => {
        $(#[$meta])*
        #[gradient]
        $visibility fn $name($($x: $ty),*) -> $result {
            $body
        }
    };
}

function!(cubic(x: f64) -> f64 = x * x * x);
function!(
    /// Documented.
    #[inline]
    pub(crate) weighted(a: &Vector3<f64>, b: Vector3<f64>) -> f64 = a.dot(&b) * 2.0
);
function!(conditional(x: f64, y: f64) -> f64 = if x > y { x * y } else { x - y });
function!(block(x: f64) -> f64 = {
    let y = x.sin();
    y * y
});

/// An expression that the macro multiplies by itself: `x + 1 * x + 1` is something else.
macro_rules! squared {
    ($name:ident($x:ident) = $e:expr) => {
        #[gradient]
        fn $name($x: f64) -> f64 {
            $e * $e
        }
    };
}

squared!(square_of_sum(x) = x + 1.0);
squared!(square_of_negative(y) = -y);

/// Unary operators, casts, calls and closures around the fragment.
macro_rules! surrounded {
    ($name:ident($x:ident, $n:ident) = $e:expr, $count:expr) => {
        #[gradient(wrt($x))]
        fn $name($x: f64, $n: usize) -> f64 {
            -$e + $e.powi(2) / $count as f64
        }
    };
}

surrounded!(surrounded_sum(x, n) = x + 2.0, n + 1);

/// The macro's own locals, beside names of the caller that are not the same.
macro_rules! with_locals {
    ($name:ident($x:ident, $y:ident) = $e:expr) => {
        #[gradient]
        fn $name($x: f64, $y: f64) -> f64 {
            let value = $e;
            let scaled = value * 2.0;
            scaled * value
        }
    };
}

with_locals!(with_locals_of_its_own(a, b) = a * b);

/// Literals, paths, methods, operators, blocks, statements and types as fragments.
macro_rules! fragments {
    ($name:ident, $scale:literal, $constant:path, $method:ident, $operator:tt, $block:block, $x:ident) => {
        #[gradient]
        fn $name($x: f64) -> f64 {
            let inner = $block;
            $scale * inner.$method() $operator $constant * $x
        }
    };
}

fragments!(all_fragments, 3.0, std::f64::consts::PI, cos, +, { x * x }, x);
fragments!(negative_literal, -3.0, std::f64::consts::E, exp, -, { x }, x);

/// The attribute's own arguments are fragments too, as is the crate's path.
macro_rules! chosen {
    ($name:ident, $crate_:path, $($wrt:ident),+) => {
        #[gradient(wrt($($wrt),+), crate = $crate_)]
        fn $name(a: f64, b: f64, c: f64) -> f64 {
            a * b.powi(2) * c.powi(3)
        }
    };
}

chosen!(chosen_backwards, ::nalgrad, c, a);

/// A family of functions in a repetition, in a module, with a generic type.
macro_rules! family {
    ($($name:ident: $ty:ty, $power:expr;)*) => {
        mod family {
            use nalgrad::gradient;

            $(
                #[gradient]
                pub(super) fn $name(x: $ty) -> $ty {
                    x.powi($power)
                }
            )*
        }
    };
}

family! {
    fourth: f64, 4;
    fifth: f64, 2 + 3;
    fourth_f32: f32, 4;
}

/// Macros within macros: fragments inside fragments.
macro_rules! outer {
    ($name:ident, $x:ident, $e:expr) => {
        squared!($name($x) = $e - 3.0);
    };
}

outer!(nested, x, 2.0 * x);

/// Methods that a macro writes.
macro_rules! methods {
    ($owner:ident, $field:ident) => {
        impl $owner {
            #[gradient]
            fn quadratic(&self, x: &DVector<f64>) -> f64 {
                self.$field * x.norm_squared()
            }
        }
    };
}

struct Ridge {
    strength: f64,
}

methods!(Ridge, strength);

/// Names cannot be pasted on stable: the companions are listed.
macro_rules! pasted_gradient {
    (softplus) => {
        softplus_gradient
    };
    (tanh_squared) => {
        tanh_squared_gradient
    };
}

/// A macro's body that contains the function, its call and its test.
macro_rules! checked {
    ($name:ident, $test:ident, $x:ident => $value:expr, $derivative:expr) => {
        #[gradient]
        fn $name($x: f64) -> f64 {
            $value
        }

        #[test]
        fn $test() {
            let $x = 0.75_f64;
            assert!(close(pasted_gradient!($name)($x), $derivative));
        }
    };
}

checked!(softplus, softplus_is_right, x => x.exp().ln_1p(), 1.0 / (1.0 + (-x).exp()));
checked!(tanh_squared, tanh_squared_is_right, t => t.tanh() * t.tanh(), 2.0 * t.tanh() * (1.0 - t.tanh() * t.tanh()));

/// Macros of the standard library's around what touches no parameter.
#[gradient(wrt(m))]
fn with_inert_macros(m: &Matrix2<f64>, n: u8) -> f64 {
    assert!(matches!(n, 1..=9), "{n} is no digit");
    let weights = vec![0.5, 2.0];
    let scale: f64 = weights[usize::from(n) % 2];
    debug_assert_ne!(scale, 0.0);
    scale * m.determinant()
}

#[test]
fn whole_functions() {
    let w = DVector::from_row_slice(&[1.0, -2.0]);
    let (dx, dw) = whole_gradient(3.0, &w);
    assert!(close(dx, 4.0 * 27.0 * 5.0 + 6.0));
    assert!((dw - &w * 162.0).amax() < 1e-11);
    assert_eq!(whole_value_and_gradient(3.0, &w).0, whole(3.0, &w));
}

#[test]
fn bodies_of_the_caller() {
    assert!(close(cubic_gradient(2.0), 12.0));
    assert_eq!(cubic_value_and_gradient(2.0).0, cubic(2.0));
    let (a, b) = (Vector3::new(1.0, 2.0, 3.0), Vector3::new(-1.0, 0.5, 0.0));
    assert_eq!(weighted_gradient(&a, b), (b * 2.0, a * 2.0));
    assert_eq!(weighted_value_and_gradient(&a, b).0, weighted(&a, b));
    assert_eq!(conditional_gradient(3.0, 2.0), (2.0, 3.0));
    assert_eq!(conditional_gradient(2.0, 3.0), (1.0, -1.0));
    assert_eq!(
        conditional_value_and_gradient(2.0, 3.0).0,
        conditional(2.0, 3.0)
    );
    assert!(close(block_gradient(0.5), 1.0_f64.sin()));
    assert_eq!(block_value_and_gradient(0.5).0, block(0.5));
}

#[test]
fn invisible_brackets_group() {
    assert!(close(square_of_sum_gradient(2.0), 6.0));
    assert_eq!(square_of_sum_value_and_gradient(2.0).0, square_of_sum(2.0));
    assert!(close(square_of_negative_gradient(2.0), 4.0));
    assert_eq!(
        square_of_negative_value_and_gradient(2.0).0,
        square_of_negative(2.0)
    );
    // -(x + 2) + (x + 2)² / (n + 1)
    assert!(close(
        surrounded_sum_gradient(1.0, 3),
        -1.0 + 2.0 * 3.0 / 4.0
    ));
    assert_eq!(
        surrounded_sum_value_and_gradient(1.0, 3).0,
        surrounded_sum(1.0, 3)
    );
    assert!(close(nested_gradient(0.5), 2.0 * (1.0 - 3.0) * 2.0));
    assert_eq!(nested_value_and_gradient(0.5).0, nested(0.5));
}

#[test]
fn locals_of_the_macro() {
    let (da, db) = with_locals_of_its_own_gradient(2.0, 3.0);
    assert!(close(da, 4.0 * 2.0 * 9.0) && close(db, 4.0 * 4.0 * 3.0));
    let (value, _) = with_locals_of_its_own_value_and_gradient(2.0, 3.0);
    assert_eq!(value, with_locals_of_its_own(2.0, 3.0));
}

#[test]
fn every_fragment() {
    use std::f64::consts::{E, PI};
    let x: f64 = 0.7;
    assert!(close(
        all_fragments_gradient(x),
        -6.0 * x * (x * x).sin() + PI
    ));
    assert_eq!(all_fragments_value_and_gradient(x).0, all_fragments(x));
    assert!(close(negative_literal_gradient(x), -3.0 * x.exp() - E));
    assert_eq!(
        negative_literal_value_and_gradient(x).0,
        negative_literal(x)
    );
    let (dc, da) = chosen_backwards_gradient(2.0, 3.0, 0.5);
    assert!(close(dc, 2.0 * 9.0 * 3.0 * 0.25) && close(da, 9.0 * 0.125));
    let (value, _) = chosen_backwards_value_and_gradient(2.0, 3.0, 0.5);
    assert_eq!(value, chosen_backwards(2.0, 3.0, 0.5));
}

#[test]
fn families() {
    assert!(close(family::fourth_gradient(1.5), 4.0 * 1.5_f64.powi(3)));
    assert!(close(family::fifth_gradient(1.5), 5.0 * 1.5_f64.powi(4)));
    assert!(close(f64::from(family::fourth_f32_gradient(1.5)), 13.5));
    assert_eq!(
        family::fourth_value_and_gradient(1.5).0,
        family::fourth(1.5)
    );
    assert_eq!(family::fifth_value_and_gradient(1.5).0, family::fifth(1.5));
    assert_eq!(
        family::fourth_f32_value_and_gradient(1.5).0,
        family::fourth_f32(1.5)
    );

    let (ridge, x) = (
        Ridge { strength: 0.5 },
        DVector::from_row_slice(&[1.0, 2.0]),
    );
    assert_eq!(ridge.quadratic_gradient(&x), x);
    assert_eq!(
        ridge.quadratic_value_and_gradient(&x).0,
        ridge.quadratic(&x)
    );
    assert_eq!(softplus_value_and_gradient(0.5).0, softplus(0.5));
    assert_eq!(tanh_squared_value_and_gradient(0.5).0, tanh_squared(0.5));

    let m = Matrix2::new(1.0, 2.0, 3.0, 4.0);
    let expected = Matrix2::new(4.0, -3.0, -2.0, 1.0) * 2.0;
    assert!((with_inert_macros_gradient(&m, 3) - expected).amax() < 1e-12);
    assert_eq!(
        with_inert_macros_value_and_gradient(&m, 3).0,
        with_inert_macros(&m, 3)
    );
}
