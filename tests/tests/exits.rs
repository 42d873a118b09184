//! Functions that are left early, and that return `Option` or `Result`.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DMatrix, DVector, Matrix2, Vector2};
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn pieces(x: f64, y: f64) -> f64 {
    if x < 0.0 {
        return y * y;
    }
    let z = x * y;
    if z > 2.0 {
        let w = z.ln();
        return w * x;
    } else if z > 1.0 {
        return z.sqrt();
    }
    let w = z + x;
    w * w
}

/// In the gradient an early return has another value than in the function.
#[gradient(wrt(x))]
fn constant_first(x: f64, n: u32) -> f64 {
    if n == 0 {
        return 1.0;
    }
    if x < 0.0 {
        return x.exp();
    }
    x * x
}

#[gradient]
fn scaled(x: f64) -> Option<f64> {
    let y = Some(x * x)?;
    Some(y * factor()? + 1.0)
}

fn factor() -> Option<f64> {
    Some(2.0)
}

#[test]
fn early_returns() {
    assert_eq!(constant_first_gradient(3.0, 0), 0.0);
    assert_eq!(constant_first_gradient(3.0, 1), 6.0);
    assert_eq!(constant_first_gradient(-1.0, 1), (-1.0_f64).exp());
    assert_eq!(scaled_gradient(3.0), Some(12.0));
    for (x, y) in [(-1.0, 2.0), (2.0, 3.0), (1.5, 0.8), (0.4, 0.3)] {
        let (x_bar, y_bar) = pieces_gradient(x, y);
        let at = |t: f64| pieces(x + 0.3 * t, y - 0.8 * t);
        assert_close(0.3 * x_bar - 0.8 * y_bar, slope(at));
        assert_close(pieces_jvp(x, y, 0.3, -0.8).1, slope(at));
        assert_close(pieces_vjp(x, y).1(2.0).1, 2.0 * y_bar);
        let at = |t: f64| pieces_gradient(x + 0.3 * t, y - 0.8 * t);
        let product = pieces_hvp(x, y, 0.3, -0.8).1;
        assert_close(product.0, slope(|t| at(t).0));
        assert_close(product.1, slope(|t| at(t).1));
    }
}

#[gradient(wrt(m, b))]
#[vjp]
fn energy(m: &DMatrix<f64>, b: &DVector<f64>, limit: f64) -> Option<f64> {
    if limit < 0.0 {
        return None;
    }
    let x = m.clone().cholesky()?.solve(b);
    if x.norm() > limit {
        return None;
    }
    let inverse = m.clone().try_inverse()?;
    Some(x.dot(b) + inverse.trace())
}

#[test]
fn options() {
    let m = DMatrix::from_row_slice(2, 2, &[2.0, 0.3, 0.3, 1.5]);
    let dm = DMatrix::from_row_slice(2, 2, &[0.1, 0.7, 0.7, -0.4]);
    let (b, db) = (vector(&[1.0, -0.7]), vector(&[0.2, 0.9]));
    let (m_bar, b_bar) = energy_gradient(&m, &b, 10.0).unwrap();
    let at = |t: f64| energy(&(&m + &dm * t), &(&b + &db * t), 10.0).unwrap();
    assert_close(m_bar.dot(&dm) + b_bar.dot(&db), slope(at));
    let (value, (again, _)) = energy_value_and_gradient(&m, &b, 10.0).unwrap();
    assert_eq!((Some(value), again), (energy(&m, &b, 10.0), m_bar));
    let (_, pullback) = energy_vjp(&m, &b, 10.0).unwrap();
    assert_close(pullback(2.0).1.dot(&db), 2.0 * b_bar.dot(&db));
    // What has no value has no gradient.
    assert!(energy_gradient(&m, &b, -1.0).is_none());
    assert!(energy_gradient(&m, &b, 0.1).is_none());
    assert!(energy_gradient(&(-&m), &b, 10.0).is_none());
    assert!(energy_value_and_gradient(&(-&m), &b, 10.0).is_none());
}

#[derive(Debug, PartialEq)]
enum Failure {
    Singular,
    Far(usize),
}

fn scale(text: &str) -> Result<f64, Failure> {
    text.parse().map_err(|_| Failure::Far(text.len()))
}

#[jacobian(wrt(x))]
#[jvp]
fn newton(x: &Vector2<f64>, text: &str) -> Result<Vector2<f64>, Failure> {
    let k = scale(text)?;
    let m = Matrix2::new(x.x * k, 1.0, 2.0, x.y);
    let inverse = m.try_inverse().ok_or(Failure::Singular)?;
    if inverse.norm() > 100.0 {
        return Err(Failure::Far(0));
    }
    Ok(inverse * x)
}

#[hessian]
fn logarithm(x: f64) -> Result<f64, String> {
    if x <= 0.0 {
        return Err(format!("{x} has no logarithm"));
    }
    Ok(x.ln())
}

#[test]
fn results() {
    let x = Vector2::new(0.8, 2.0);
    let j = newton_jacobian(&x, "1.5").unwrap();
    for (column, dx) in [Vector2::x(), Vector2::y()].into_iter().enumerate() {
        for row in 0..2 {
            let at = |t: f64| newton(&(x + dx * t), "1.5").unwrap()[row];
            assert_close(j[(row, column)], slope(at));
        }
        let (value, tangent) = newton_jvp(&x, "1.5", &dx).unwrap();
        assert_eq!(Ok(value), newton(&x, "1.5"));
        assert!((tangent - j.column(column)).amax() < 1e-12);
    }
    assert_eq!(newton_jacobian(&x, "one").unwrap_err(), Failure::Far(3));
    let singular = Vector2::new(1.0, 2.0);
    assert_eq!(
        newton_jacobian(&singular, "1").unwrap_err(),
        Failure::Singular
    );
    assert_eq!(logarithm_hessian(2.0), Ok(-0.25));
    assert_eq!(logarithm_hessian(-2.0).unwrap_err(), "-2 has no logarithm");
}

#[differentiable]
fn root(x: f64) -> Option<f64> {
    if x < 0.0 {
        return None;
    }
    Some(x.sqrt())
}

#[gradient]
#[hvp]
fn through_an_option(x: f64, y: f64) -> Option<f64> {
    let a = root(x * y)?;
    let b = root(x + y).unwrap();
    Some(a * b)
}

#[test]
fn calls_that_may_fail() {
    let (x, y) = (0.8, 0.5);
    let (x_bar, y_bar) = through_an_option_gradient(x, y).unwrap();
    let at = |t: f64| through_an_option(x + t, y - 2.0 * t).unwrap();
    assert_close(x_bar - 2.0 * y_bar, slope(at));
    let product = through_an_option_hvp(x, y, 1.0, -2.0).unwrap().1;
    let at = |t: f64| through_an_option_gradient(x + t, y - 2.0 * t).unwrap();
    assert_close(product.0, slope(|t| at(t).0));
    assert!(through_an_option_gradient(-0.3, 0.5).is_none());
}
