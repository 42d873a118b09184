//! Calls of other functions: of their companions, in branches, and read by what is kept as it stands.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

use crate::{Log, panic_message, slope};
use nalgebra::{DMatrix, DVector, DVectorView, Vector2};
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

#[track_caller]
fn close(got: f64, want: f64) {
    assert!(
        (got - want).abs() < 1e-7 * (1.0 + want.abs()),
        "{got} and {want}"
    );
}

#[differentiable]
fn sq(x: f64) -> f64 {
    x * x
}

#[differentiable(wrt(x))]
fn positive(x: f64, log: &Log) -> f64 {
    log.say("positive");
    assert!(x > 0.0, "not positive");
    x.sqrt()
}

/// The gradient, its agreement with forward mode, the pullback and the second derivative, at (x, y).
macro_rules! agrees {
    ($f:ident, $gradient:ident, $hvp:ident, $vjp:ident, $x:expr, $y:expr) => {{
        let (x, y) = ($x, $y);
        let (x_bar, y_bar) = $gradient(x, y);
        close(x_bar, slope(x, |x| $f(x, y)));
        close(y_bar, slope(y, |y| $f(x, y)));
        let (value, pullback) = $vjp(x, y);
        assert_eq!(value.to_bits(), $f(x, y).to_bits());
        for scale in [1.0, -2.0] {
            let pulled = pullback(scale);
            close(pulled.0, scale * x_bar);
            close(pulled.1, scale * y_bar);
        }
        let (again, product) = $hvp(x, y, 0.3, -0.8);
        close(again.0, x_bar);
        close(again.1, y_bar);
        close(
            product.0,
            slope(0.0, |t| $gradient(x + 0.3 * t, y - 0.8 * t).0),
        );
        close(
            product.1,
            slope(0.0, |t| $gradient(x + 0.3 * t, y - 0.8 * t).1),
        );
    }};
}

mod read_by_what_is_kept {
    use super::*;

    /// The condition was read with the parameter y, which the result of the call shadows.
    #[gradient]
    fn shadowed(x: f64, y: f64) -> f64 {
        let y = sq(y);
        assert!(y >= 0.0);
        if y > 0.3 { x * y } else { x + y }
    }

    #[test]
    fn a_result_that_shadows_a_parameter() {
        let (x_bar, y_bar) = shadowed_gradient(2.0, 0.4);
        assert_eq!((x_bar, y_bar), (1.0, 0.8));
        let (x_bar, y_bar) = shadowed_gradient(2.0, -0.8);
        close(x_bar, 0.64);
        close(y_bar, -3.2);
    }

    #[gradient(wrt(x))]
    #[jvp]
    fn in_a_condition(x: f64, log: &Log) -> f64 {
        let rounded = (positive(x, log) * 10.0).floor() as i32;
        if positive(x, log) > 0.5 {
            x * f64::from(rounded)
        } else {
            1.0
        }
    }

    #[test]
    fn a_callee_in_a_condition_runs_once() {
        let words = |run: &dyn Fn(&Log)| {
            let log = Log::default();
            run(&log);
            log.0.into_inner().len()
        };
        let want = words(&|log| _ = in_a_condition(0.49, log));
        assert_eq!(want, 2);
        assert_eq!(
            words(&|log| assert_eq!(in_a_condition_gradient(0.49, log), 7.0)),
            want
        );
        assert_eq!(
            words(&|log| assert_eq!(in_a_condition_jvp(0.49, log, 1.0).1, 7.0)),
            want
        );
    }
}

mod branches {
    use super::*;

    #[gradient(wrt(x, y))]
    #[hvp]
    #[vjp]
    fn on_the_other_side(x: f64, y: f64, log: &Log) -> f64 {
        let (a, b) = if x > y { (x, y) } else { (positive(x, log), y) };
        a * b
    }

    #[test]
    fn a_callee_on_the_side_that_is_not_taken_does_not_run() {
        let log = Log::default();
        assert_eq!(on_the_other_side_gradient(-1.0, -2.0, &log), (-2.0, -1.0));
        assert_eq!(
            on_the_other_side_value_and_gradient(-1.0, -2.0, &log).0,
            2.0
        );
        assert_eq!(on_the_other_side_vjp(-1.0, -2.0, &log).1(1.0), (-2.0, -1.0));
        assert_eq!(
            on_the_other_side_hvp(-1.0, -2.0, &log, 1.0, 0.0).1,
            (0.0, 1.0)
        );
        assert!(log.0.into_inner().is_empty());
        let panic = panic_message(|| on_the_other_side_gradient(-2.0, -1.0, &Log::default()));
        assert_eq!(panic.as_deref(), Some("not positive"));
    }

    #[gradient]
    #[hvp]
    #[vjp]
    fn around_a_minimum(x: f64, y: f64) -> f64 {
        x.max(y) * sq(x.min(y)) + sq(if x > y { x } else { y * y })
    }

    #[gradient]
    #[hvp]
    #[vjp]
    #[hessian]
    fn feeds_a_call(x: f64, y: f64) -> f64 {
        let a = if x > y { sq(x) * y } else { x };
        sq(a) + y
    }

    #[gradient]
    #[hvp]
    #[vjp]
    fn nested(x: f64, y: f64) -> f64 {
        if x > 0.0 {
            if y > 0.0 { sq(x * y) } else { sq(sq(x) + y) }
        } else if sq(y) > 0.1 {
            y * sq(x)
        } else {
            1.0
        }
    }

    #[test]
    fn calls_and_branches_feed_each_other() {
        for (x, y) in [
            (0.7, 0.4),
            (0.4, 0.7),
            (0.7, -0.4),
            (-0.7, 0.4),
            (-0.7, 0.1),
        ] {
            agrees!(
                around_a_minimum,
                around_a_minimum_gradient,
                around_a_minimum_hvp,
                around_a_minimum_vjp,
                x,
                y
            );
            agrees!(
                feeds_a_call,
                feeds_a_call_gradient,
                feeds_a_call_hvp,
                feeds_a_call_vjp,
                x,
                y
            );
            agrees!(nested, nested_gradient, nested_hvp, nested_vjp, x, y);
            let ((xx, xy), (yx, yy)) = feeds_a_call_hessian(x, y);
            let product = feeds_a_call_hvp(x, y, 0.3, -0.8).1;
            assert_eq!(xy, yx);
            close(0.3 * xx - 0.8 * xy, product.0);
            close(0.3 * yx - 0.8 * yy, product.1);
        }
    }

    #[gradient(wrt(x))]
    #[hvp]
    fn once_in_a_branch(x: f64, log: &Log) -> f64 {
        let a = if x > 0.1 { positive(x, log) } else { x };
        sq(a)
    }

    #[test]
    fn a_callee_in_a_branch_runs_once_with_its_tangent() {
        let log = Log::default();
        close(once_in_a_branch_hvp(0.49, &log, 1.0).0, 1.0);
        assert_eq!(log.0.into_inner().len(), 1);
    }
}

mod arguments {
    use super::*;

    #[differentiable]
    fn of_a_view(v: DVectorView<f64>) -> f64 {
        v.norm_squared() * v[0]
    }

    #[gradient]
    #[hvp]
    fn views(v: DVectorView<'_, f64>, w: &DVector<f64>) -> f64 {
        of_a_view(v) * of_a_view(w.as_view())
    }

    #[test]
    fn views_are_passed_as_views() {
        let (v, w) = (
            DVector::from_vec(vec![0.4, -0.9]),
            DVector::from_vec(vec![1.5, 0.3]),
        );
        let at = |t: f64| views((&v * (1.0 + t)).as_view(), &w);
        close(views_gradient(v.as_view(), &w).0.dot(&v), slope(0.0, at));
        let product = views_hvp(v.as_view(), &w, v.as_view(), &DVector::zeros(2)).1;
        let at = |t: f64| views_gradient((&v * (1.0 + t)).as_view(), &w).1.sum();
        close(product.1.sum(), slope(0.0, at));
    }

    #[differentiable(wrt(x))]
    fn powers(x: f64, name: String, weights: Vec<f64>) -> f64 {
        x.powi(3) * weights[0] + name.len() as f64 * x
    }

    /// A Hessian along several directions asks for what was moved once more.
    #[hessian(wrt(x, y))]
    #[jacobian]
    fn by_value(x: f64, y: f64, name: String) -> f64 {
        powers(x * y, name, vec![2.0])
    }

    #[test]
    fn arguments_by_value_are_passed_again() {
        let ((xx, xy), (_, yy)) = by_value_hessian(0.5, 2.0, "ab".into());
        close(xx, 12.0 * 4.0);
        close(xy, 12.0 + 8.0);
        close(yy, 12.0 * 0.25);
        let (by_x, by_y) = by_value_jacobian(0.5, 2.0, "ab".into());
        close(by_x, 16.0);
        close(by_y, 4.0);
    }

    #[differentiable]
    fn product(x: DVector<f64>, a: DMatrix<f64>) -> DVector<f64> {
        (&a * &x).map(|e| e.sin())
    }

    #[hessian]
    #[gradient]
    #[vjp]
    fn twice(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
        let once: DVector<f64> = product(x.clone(), a.clone());
        let twice: DVector<f64> = product(once.clone(), a * 2.0);
        twice.dot(&once)
    }

    #[vjp]
    fn handed_on(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
        product(x.clone(), a.clone())
    }

    #[test]
    fn owned_matrices_are_passed_again() {
        let x = DVector::from_vec(vec![0.4, -0.9]);
        let a = DMatrix::from_row_slice(2, 2, &[0.3, -0.4, 1.1, 0.2]);
        let ((xx, xa), _) = twice_hessian(&x, &a);
        let at = |t: f64| twice_gradient(&(&x * (1.0 + t)), &(&a * (1.0 - t))).0.sum();
        let moved = &xx * &x - &xa * DVector::from_column_slice(a.as_slice());
        close(moved.sum(), slope(0.0, at));
        let (value, pullback) = handed_on_vjp(&x, &a);
        assert_eq!(value, handed_on(&x, &a));
        let (x_bar, _) = pullback(value.clone());
        let at = |t: f64| handed_on(&(&x * (1.0 + t)), &a).dot(&value);
        close(x_bar.dot(&x), slope(0.0, at));
    }
}

mod companions_that_are_called {
    use super::*;

    #[differentiable]
    #[gradient]
    fn inner(x: f64, k: f64) -> f64 {
        k * sq(x) * x
    }

    /// The gradient of what is made of a gradient, through a call in it.
    #[gradient]
    fn of_a_gradient(x: f64, k: f64) -> f64 {
        let (by_x, by_k): (f64, f64) = inner_gradient(x, k);
        by_x * by_x + by_k
    }

    #[test]
    fn a_gradient_through_a_call() {
        let (x_bar, k_bar) = of_a_gradient_gradient(0.7, 1.3);
        close(x_bar, slope(0.7, |x| of_a_gradient(x, 1.3)));
        close(k_bar, slope(1.3, |k| of_a_gradient(0.7, k)));
    }
}

mod results {
    use super::*;

    #[differentiable]
    fn polar(x: f64, v: &DVector<f64>) -> (f64, DVector<f64>) {
        (x * v.norm(), v * x)
    }

    #[jacobian]
    #[vjp]
    fn handed_on(x: f64, v: &DVector<f64>) -> (f64, DVector<f64>) {
        polar(x, v)
    }

    #[differentiable]
    fn turned(v: Vector2<f64>) -> Vector2<f64> {
        Vector2::new(-v.y, v.x)
    }

    #[gradient]
    fn last_in_a_block(v: Vector2<f64>) -> f64 {
        if v.x > 0.0 {
            let w: Vector2<f64> = turned(v);
            w.x
        } else {
            let w: Vector2<f64> = turned(v * 2.0);
            sq(w.x)
        }
    }

    #[test]
    fn a_call_is_the_last_expression() {
        let v = DVector::from_vec(vec![3.0, 4.0]);
        let (value, pullback) = handed_on_vjp(2.0, &v);
        assert_eq!(value, (10.0, &v * 2.0));
        assert_eq!(pullback((1.0, DVector::zeros(2))).0, 5.0);
        assert_eq!(handed_on_jacobian(2.0, &v).0.0, 5.0);
        assert_eq!(
            last_in_a_block_gradient(Vector2::new(1.0, 2.0)),
            Vector2::new(0.0, -1.0)
        );
        assert_eq!(
            last_in_a_block_gradient(Vector2::new(-1.0, 2.0)),
            Vector2::new(0.0, 16.0)
        );
    }
}

mod rules {
    use super::*;

    #[differentiable(wrt(x), vjp = cubes_vjp, jvp = cubes_jvp)]
    fn cubes(x: &DVector<f64>, by: f64) -> DVector<f64> {
        let mut y = x.clone();
        y.apply(|e| *e = e.powi(3) * by);
        y
    }

    fn cubes_vjp(
        x: &DVector<f64>,
        by: f64,
    ) -> (DVector<f64>, impl Fn(DVector<f64>) -> DVector<f64>) {
        let slope = x.map(|e| 3.0 * e * e * by);
        (cubes(x, by), move |y_bar: DVector<f64>| {
            y_bar.component_mul(&slope)
        })
    }

    fn cubes_jvp(x: &DVector<f64>, by: f64, dx: &DVector<f64>) -> (DVector<f64>, DVector<f64>) {
        (cubes(x, by), x.map(|e| 3.0 * e * e * by).component_mul(dx))
    }

    /// One block is accumulated forwards, the other backwards: no second derivative is needed.
    #[gradient]
    #[jacobian]
    fn by_rule(x: &DVector<f64>, s: f64) -> f64 {
        let y: DVector<f64> = cubes(&(x * s), 2.0);
        y.norm()
    }

    #[test]
    fn a_rule_gets_a_value_that_is_computed_in_place() {
        let x = DVector::from_vec(vec![0.4, -0.9]);
        let (x_bar, s_bar) = by_rule_gradient(&x, 1.2);
        close(s_bar, slope(1.2, |s| by_rule(&x, s)));
        close(x_bar.dot(&x), 1.2 * s_bar);
        let (by_x, by_s) = by_rule_jacobian(&x, 1.2);
        close((by_x.transpose() - x_bar).amax(), 0.0);
        close(by_s, s_bar);
    }
}

mod hessians {
    use super::*;

    /// Along y the callee's argument does not move, but its cotangent does.
    #[hessian]
    #[gradient]
    fn product_of_calls(x: f64, v: &Vector2<f64>) -> f64 {
        let w: Vector2<f64> = doubled_squares(v);
        sq(x) * sq(w.x) + sq(sq(w.y))
    }

    #[differentiable]
    fn doubled_squares(v: &Vector2<f64>) -> Vector2<f64> {
        v.map(|e| 2.0 * e * e)
    }

    #[test]
    fn a_callee_that_stands_still_along_one_direction() {
        let (x, v) = (0.7, Vector2::new(0.4, -0.9));
        let ((xx, xv), (vx, vv)) = product_of_calls_hessian(x, &v);
        assert_eq!(xv, vx.transpose());
        let (dx, dv) = (0.3, Vector2::new(-0.8, 0.5));
        let at = |t: f64| product_of_calls_gradient(x + dx * t, &(v + dv * t));
        close(xx * dx + (xv * dv)[0], slope(0.0, |t| at(t).0));
        let by_v = vx * dx + vv * dv;
        close(by_v.x, slope(0.0, |t| at(t).1.x));
        close(by_v.y, slope(0.0, |t| at(t).1.y));
    }
}

mod fragments {
    use super::*;

    macro_rules! squared_by {
        ($f:path) => {
            #[gradient]
            fn through_a_path(x: f64) -> f64 {
                $f(x) * x
            }
        };
    }
    squared_by!(self::sq);

    #[test]
    fn a_function_that_a_macro_was_given() {
        assert_eq!(through_a_path_gradient(2.0), 12.0);
    }
}

mod matrices_of_derivatives_in_branches {
    use super::*;

    #[differentiable]
    fn bent(x: &DVector<f64>) -> DVector<f64> {
        x.map(|e| e.sin() * e) * x.norm()
    }

    #[differentiable]
    fn scaled(x: &Vector2<f64>, s: f64) -> (Vector2<f64>, f64) {
        (x * s, x.norm() * s)
    }

    #[hessian]
    #[gradient]
    fn on_either_side(x: &DVector<f64>, s: f64) -> f64 {
        if s > 0.0 {
            let y: DVector<f64> = bent(x);
            y.norm_squared() * sq(s)
        } else {
            let y: DVector<f64> = bent(&(x * s));
            y.sum() + sq(s)
        }
    }

    #[hessian]
    #[gradient]
    fn one_after_the_other(x: &Vector2<f64>, s: f64) -> f64 {
        let (a, b): (Vector2<f64>, f64) = scaled(x, s);
        let c = if b > 0.0 { sq(a.x) } else { sq(a.y) * b };
        let d = if b > 0.0 { sq(c) } else { sq(c * b) };
        d * sq(d.max(b))
    }

    #[jacobian(mode = forward)]
    fn forwards(x: &DVector<f64>, s: f64) -> DVector<f64> {
        let y: DVector<f64> = bent(x);
        if y[0] > 0.5 {
            let z: DVector<f64> = bent(&y);
            z * s
        } else {
            y * sq(s)
        }
    }

    #[jacobian]
    fn pairs(x: &Vector2<f64>, s: f64) -> (Vector2<f64>, f64) {
        let (a, b) = if s > 0.0 {
            let (a, b): (Vector2<f64>, f64) = scaled(x, s);
            (a, b)
        } else {
            let (a, b): (Vector2<f64>, f64) = scaled(&(x * 2.0), s * s);
            (a * b, b)
        };
        (a, sq(b))
    }

    #[test]
    fn the_side_that_is_taken() {
        use nalgrad::check;
        for (x, s) in [([0.7, -0.4], 0.3), ([1.7, -0.4], -0.3)] {
            let v = DVector::from_column_slice(&x);
            let h = on_either_side_hessian(&v, s);
            check::jacobian(|(x, s)| on_either_side_gradient(x, *s), &(&v, s), &h).unwrap();
            let j = forwards_jacobian(&v, s);
            check::jacobian(|(x, s)| forwards(x, *s), &(&v, s), &j).unwrap();
            let v = Vector2::from(x);
            let h = one_after_the_other_hessian(&v, s);
            check::jacobian(|(x, s)| one_after_the_other_gradient(x, *s), &(v, s), &h).unwrap();
            let j = pairs_jacobian(&v, s);
            check::jacobian(|(x, s)| pairs(x, *s), &(v, s), &j).unwrap();
        }
    }
}

/// An expression in parentheses was taken for the name in it: `(i + 1)` for `i`.
mod argument_in_parentheses {
    use super::*;

    #[differentiable]
    fn scaled(x: f64, k: usize) -> f64 {
        x.sin() * k as f64
    }

    /// An expression that a macro is given stands in parentheses that are not to be seen.
    macro_rules! function {
        ($i:ident, $k:expr) => {
            #[gradient]
            #[hvp]
            #[jvp]
            #[vjp]
            #[allow(unused_parens)]
            fn f(x: f64, y: f64) -> f64 {
                let mut s = x;
                for $i in 0..3 {
                    s = s * scaled(s + y, ($i + 1)) + scaled(s, $k);
                }
                s
            }
        };
    }
    function!(i, i + 2);

    #[test]
    fn is_an_expression() {
        agrees!(f, f_gradient, f_hvp, f_vjp, 0.3, -0.2);
        assert_eq!(
            f_jvp(0.3, -0.2, 1.0, 0.0).0.to_bits(),
            f(0.3, -0.2).to_bits()
        );
    }
}

/// What a block gives was passed by a name that no statement bound.
mod value_of_a_block {
    use super::*;

    #[differentiable]
    fn scaled(x: f64, by: f64) -> f64 {
        x.sin() * by
    }

    #[gradient]
    #[hvp]
    #[vjp]
    fn f(x: f64, y: f64) -> f64 {
        let by = {
            let _copy = x;
            f64::abs(-2.5)
        };
        scaled(x, by) * scaled(y, by)
    }

    #[test]
    fn is_passed_itself() {
        agrees!(f, f_gradient, f_hvp, f_vjp, 0.3, -0.2);
    }
}
