//! Visibility, modules, functions inside functions, and `wrt` in an order of its own.

use crate::close;

mod outer {
    pub mod inner {
        use nalgebra::{Matrix2, Vector2};
        use nalgrad::gradient;

        #[gradient]
        pub(in crate::modules) fn seen_in_modules(x: f64) -> f64 {
            x.cos()
        }

        #[gradient]
        pub(super) fn seen_in_outer(x: f64) -> f64 {
            x.tan()
        }

        #[gradient]
        pub(crate) fn seen_in_crate(m: &Matrix2<f64>, x: &Vector2<f64>) -> f64 {
            x.dot(&(m * x))
        }

        #[gradient]
        pub fn seen_everywhere(x: f64) -> f64 {
            super::super::scale() * x
        }

        #[gradient]
        fn private(x: f64) -> f64 {
            x.sqrt()
        }

        pub(crate) fn caller_of_private(x: f64) -> (f64, (f64, f64), f64) {
            (
                private(x),
                private_value_and_gradient(x),
                private_gradient(x),
            )
        }
    }

    pub fn caller_of_inner(x: f64) -> (f64, (f64, f64), f64) {
        use inner::*;
        (
            seen_in_outer(x),
            seen_in_outer_value_and_gradient(x),
            seen_in_outer_gradient(x),
        )
    }
}

fn scale() -> f64 {
    2.5
}

/// Types and functions by their paths, nothing imported.
#[nalgrad::gradient]
fn by_paths(x: &nalgebra::Vector3<f64>, y: &::nalgebra::base::DVector<f64>) -> f64 {
    x.norm_squared() * y.sum() + std::f64::consts::PI
}

/// Types by other names than nalgebra's own.
mod renamed_imports {
    use nalgebra as na;
    use nalgrad::gradient as differentiate;

    #[differentiate]
    pub fn product(x: &na::DVector<f64>, m: &na::DMatrix<f64>) -> f64 {
        (m * x).norm_squared()
    }
}

/// Parameters in an order that is not the function's.
#[nalgrad::gradient(wrt(c, a))]
fn backwards(a: f64, b: f64, c: f64) -> f64 {
    a * b.powi(2) * c.powi(3)
}

/// Every parameter twice differentiable by name, one that the result does not read.
#[nalgrad::gradient(wrt(unread, x, nothing))]
#[allow(unused_variables)]
fn unread(x: f64, unread: &nalgebra::DVector<f64>, nothing: &nalgebra::Matrix2x3<f64>) -> f64 {
    x * x
}

/// The result is a constant.
#[nalgrad::gradient]
fn constant(_x: f64, _w: &nalgebra::DMatrix<f64>) -> f64 {
    1.0
}

/// The result is the parameter.
#[nalgrad::gradient]
fn identity(x: f64) -> f64 {
    x
}

#[test]
fn visibility() {
    use outer::inner::*;
    assert!(close(seen_in_modules_gradient(0.5), -0.5_f64.sin()));
    assert_eq!(
        seen_in_modules_value_and_gradient(0.5).0,
        seen_in_modules(0.5)
    );
    let m = nalgebra::Matrix2::new(1.0, 2.0, -3.0, 4.0);
    let x = nalgebra::Vector2::new(0.5, -2.0);
    let (dm, dx) = seen_in_crate_gradient(&m, &x);
    assert!((dm - x * x.transpose()).amax() < 1e-12);
    assert!((dx - (m + m.transpose()) * x).amax() < 1e-12);
    assert_eq!(
        seen_in_crate_value_and_gradient(&m, &x).0,
        seen_in_crate(&m, &x)
    );
    assert_eq!(seen_everywhere_gradient(0.5), 2.5);
    assert_eq!(
        seen_everywhere_value_and_gradient(0.5).0,
        seen_everywhere(0.5)
    );
    let (value, (same, _), derivative) = caller_of_private(4.0);
    assert!(value == same && close(derivative, 0.25));
    let (value, (same, _), derivative) = outer::caller_of_inner(0.5);
    assert!(value == same && close(derivative, 0.5_f64.cos().powi(-2)));
}

#[test]
fn paths() {
    let (x, y) = (
        nalgebra::Vector3::new(1.0, 2.0, 3.0),
        nalgebra::dvector![0.5, -1.5],
    );
    let (dx, dy) = by_paths_gradient(&x, &y);
    assert!((dx + x * 2.0).amax() < 1e-12);
    assert!((dy.add_scalar(-14.0)).amax() < 1e-12);
    assert_eq!(by_paths_value_and_gradient(&x, &y).0, by_paths(&x, &y));

    let m = nalgebra::dmatrix![1.0, 2.0; 3.0, 4.0; -1.0, 0.0];
    let (dy, dm) = renamed_imports::product_gradient(&y, &m);
    assert!((dy - m.transpose() * &m * &y * 2.0).amax() < 1e-12);
    assert!((dm - &m * &y * y.transpose() * 2.0).amax() < 1e-12);
    let (value, _) = renamed_imports::product_value_and_gradient(&y, &m);
    assert_eq!(value, renamed_imports::product(&y, &m));
}

#[test]
fn order_of_wrt() {
    let (dc, da) = backwards_gradient(2.0, 3.0, 0.5);
    assert!(close(da, 9.0 * 0.125) && close(dc, 2.0 * 9.0 * 3.0 * 0.25));
    let (value, gradient) = backwards_value_and_gradient(2.0, 3.0, 0.5);
    assert_eq!(value, backwards(2.0, 3.0, 0.5));
    assert!(close(gradient.0, dc) && close(gradient.1, da));
}

#[test]
fn parameters_that_are_not_read() {
    let (w, m) = (
        nalgebra::dvector![1.0, 2.0, 3.0],
        nalgebra::Matrix2x3::identity(),
    );
    let (dw, dx, dm) = unread_gradient(3.0, &w, &m);
    assert_eq!(
        (dw, dx, dm),
        (
            nalgebra::DVector::zeros(3),
            6.0,
            nalgebra::Matrix2x3::zeros()
        )
    );
    assert_eq!(
        unread_value_and_gradient(3.0, &w, &m).0,
        unread(3.0, &w, &m)
    );
    let w = nalgebra::DMatrix::identity(2, 3);
    let zero = (0.0, nalgebra::DMatrix::zeros(2, 3));
    assert_eq!(constant_gradient(3.0, &w), zero);
    assert_eq!(
        constant_value_and_gradient(3.0, &w),
        (constant(3.0, &w), zero)
    );
    assert_eq!(identity_gradient(3.0), 1.0);
    assert_eq!(identity_value_and_gradient(3.0), (identity(3.0), 1.0));
}

#[test]
fn functions_inside_functions() {
    #[nalgrad::gradient]
    fn local(x: f64, y: f64) -> f64 {
        x * y
    }
    assert_eq!(local_gradient(2.0, 3.0), (3.0, 2.0));
    assert_eq!(local_value_and_gradient(2.0, 3.0).0, local(2.0, 3.0));
    {
        #[nalgrad::gradient(wrt(y))]
        fn local(x: f64, y: f64) -> f64 {
            x - y
        }
        assert_eq!(local_gradient(2.0, 3.0), -1.0);
        assert_eq!(local_value_and_gradient(2.0, 3.0), (local(2.0, 3.0), -1.0));
    }
    let derivative = |x| {
        #[nalgrad::gradient]
        fn local(x: f64) -> f64 {
            x.ln()
        }
        let (value, gradient) = local_value_and_gradient(x);
        assert!(value == local(x) && close(gradient, local_gradient(x)));
        gradient
    };
    assert!(close(derivative(4.0), 0.25));
}
