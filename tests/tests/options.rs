//! What may fail: inverses, factorisations and solutions, looked at in every way.

#![allow(
    clippy::needless_late_init,
    clippy::unnecessary_unwrap,
    reason = "written as people write"
)]
#![allow(
    dead_code,
    clippy::manual_map,
    clippy::unnecessary_lazy_evaluations,
    clippy::manual_let_else,
    clippy::question_mark,
    clippy::single_match_else,
    reason = "some functions are known by their companions only; written as people write"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DMatrix, DVector, Matrix2, Vector2};
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn by_match(m: &Matrix2<f64>, v: &Vector2<f64>) -> f64 {
    let a = match m.try_inverse() {
        Some(inv) if inv.norm() > 3.0 => inv.trace() * v.x,
        Some(inv) => (inv * v).norm_squared(),
        None => v.norm(),
    };
    let b = if let Some(cholesky) = m.cholesky() {
        cholesky.solve(v).dot(v)
    } else {
        m.determinant()
    };
    a * b
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn by_let_else(m: &DMatrix<f64>, v: &DVector<f64>, limit: f64) -> f64 {
    let lu = (m * 2.0).lu();
    let Some(x) = lu.solve(v) else {
        return limit * v.norm_squared();
    };
    let inverse = match m.clone().try_inverse() {
        Some(inverse) => inverse,
        None => return 0.0,
    };
    let attempt = m.clone().cholesky();
    if attempt.is_none() {
        return x.dot(v) * inverse.trace();
    }
    x.norm() * limit
}

#[gradient]
#[vjp]
fn by_methods(m: &DMatrix<f64>, v: &DVector<f64>) -> f64 {
    let trace = m.clone().try_inverse().map(|inv| inv.trace() * v[0]);
    let a = trace.unwrap_or(v[1]);
    let inverse = m.clone().try_inverse().unwrap_or_else(|| m.transpose());
    let b = m
        .clone()
        .cholesky()
        .map_or(v.norm(), |c| c.ln_determinant());
    let attempt = m.clone().lu().solve(v);
    let c = if attempt.is_some() {
        let x = attempt.unwrap();
        x.dot(v)
    } else {
        1.0
    };
    a + (inverse * v).sum() * b + c
}

#[gradient]
#[jvp]
#[vjp]
fn exits(m: &DMatrix<f64>, v: &DVector<f64>) -> Option<f64> {
    let x = m.clone().lu().solve(v).map(|x| x * 2.0)?;
    let Some(inverse) = m.clone().try_inverse() else {
        return None;
    };
    let c = match m.clone().cholesky() {
        Some(c) => c,
        None => return None,
    };
    if x.norm() > 100.0 {
        return None;
    }
    c.inverse()
        .try_inverse()
        .map(|again| again.trace() + x.dot(v) * inverse[(0, 0)])
}

#[gradient]
#[jacobian]
fn failing(m: &Matrix2<f64>, name: &str) -> Result<f64, String> {
    let inverse = match m.try_inverse().ok_or(name) {
        Ok(inverse) => inverse,
        Err(_) => return Err(format!("{name} is singular")),
    };
    let c = m
        .cholesky()
        .ok_or_else(|| format!("{name} is not positive"))?;
    Ok(inverse.norm() + c.determinant())
}

#[gradient]
fn expecting(m: &Matrix2<f64>) -> f64 {
    let trace = m.try_inverse().map(|inv| inv.trace()).expect("singular");
    let Some(c) = m.cholesky() else {
        panic!("not positive: {}", m[(0, 0)]);
    };
    trace * c.determinant()
}

fn matrices() -> Vec<Matrix2<f64>> {
    vec![
        Matrix2::new(2.0, 0.3, 0.3, 1.5),
        Matrix2::new(0.2, 0.01, 0.01, 0.3),
        Matrix2::new(2.0, 0.3, 0.3, -1.5),
        Matrix2::new(1.0, 2.0, 2.0, 4.0),
    ]
}

#[test]
fn static_sizes() {
    let (v, dv) = (Vector2::new(1.0, -0.7), Vector2::new(0.2, 0.9));
    for m in matrices() {
        // Along the singular matrices, where it is one.
        let dm = if m.determinant() == 0.0 {
            m
        } else {
            Matrix2::new(0.1, 0.7, 0.7, -0.4) * 0.1
        };
        let at = |t: f64| by_match(&(m + dm * t), &(v + dv * t));
        let (value, (m_bar, v_bar)) = by_match_value_and_gradient(&m, &v);
        assert_eq!(value, at(0.0));
        assert_close(m_bar.dot(&dm) + v_bar.dot(&dv), slope(at));
        assert_eq!(by_match_gradient(&m, &v), (m_bar, v_bar));
        assert_close(by_match_jvp(&m, &v, &dm, &dv).1, slope(at));
        assert_close(by_match_vjp(&m, &v).1(2.0).1.dot(&dv), 2.0 * v_bar.dot(&dv));
        let at = |t: f64| by_match_gradient(&(m + dm * t), &(v + dv * t));
        let product = by_match_hvp(&m, &v, &dm, &dv).1;
        assert_close(product.0.dot(&dm), slope(|t| at(t).0.dot(&dm)));
        assert_close(product.1.dot(&dv), slope(|t| at(t).1.dot(&dv)));
    }
}

#[test]
fn dynamic_sizes() {
    let (v, dv) = (vector(&[1.0, -0.7]), vector(&[0.2, 0.9]));
    for m in matrices() {
        let m = DMatrix::from_column_slice(2, 2, m.as_slice());
        let singular = m.determinant() == 0.0;
        let dm = if singular {
            m.clone()
        } else {
            DMatrix::from_row_slice(2, 2, &[0.1, 0.7, 0.7, -0.4]) * 0.1
        };
        let at = |t: f64| by_let_else(&(&m + &dm * t), &(&v + &dv * t), 0.3 - t);
        let (value, (m_bar, v_bar, limit_bar)) = by_let_else_value_and_gradient(&m, &v, 0.3);
        assert_eq!(value, at(0.0));
        assert_close(m_bar.dot(&dm) + v_bar.dot(&dv) - limit_bar, slope(at));
        assert_close(by_let_else_jvp(&m, &v, 0.3, &dm, &dv, -1.0).1, slope(at));
        assert_close(
            by_let_else_vjp(&m, &v, 0.3).1(2.0).1.dot(&dv),
            2.0 * v_bar.dot(&dv),
        );
        let at = |t: f64| by_let_else_gradient(&(&m + &dm * t), &(&v + &dv * t), 0.3 - t).1;
        let product = by_let_else_hvp(&m, &v, 0.3, &dm, &dv, -1.0).1;
        assert_close(product.1.dot(&dv), slope(|t| at(t).dot(&dv)));

        let at = |t: f64| by_methods(&(&m + &dm * t), &(&v + &dv * t));
        let (value, (m_bar, v_bar)) = by_methods_value_and_gradient(&m, &v);
        assert_eq!(value, at(0.0));
        assert_close(m_bar.dot(&dm) + v_bar.dot(&dv), slope(at));
        assert_close(
            by_methods_vjp(&m, &v).1(2.0).1.dot(&dv),
            2.0 * v_bar.dot(&dv),
        );
    }
}

#[test]
fn exits_where_it_fails() {
    let (v, dv) = (vector(&[1.0, -0.7]), vector(&[0.2, 0.9]));
    for m in matrices() {
        let d = DMatrix::from_column_slice(2, 2, m.as_slice());
        let value = exits(&d, &v);
        assert_eq!(exits_value_and_gradient(&d, &v).map(|pair| pair.0), value);
        if value.is_some() {
            let dm = DMatrix::from_row_slice(2, 2, &[0.1, 0.7, 0.7, -0.4]) * 0.1;
            let at = |t: f64| exits(&(&d + &dm * t), &(&v + &dv * t)).unwrap();
            let (m_bar, v_bar) = exits_gradient(&d, &v).unwrap();
            assert_close(m_bar.dot(&dm) + v_bar.dot(&dv), slope(at));
            assert_close(exits_jvp(&d, &v, &dm, &dv).unwrap().1, slope(at));
            let (_, pullback) = exits_vjp(&d, &v).unwrap();
            assert_close(pullback(2.0).1.dot(&dv), 2.0 * v_bar.dot(&dv));
        } else {
            assert!(exits_gradient(&d, &v).is_none() && exits_vjp(&d, &v).is_none());
        }
        match failing(&m, "m") {
            Ok(_) => {
                let dm = Matrix2::new(0.1, 0.7, 0.7, -0.4) * 0.1;
                let at = |t: f64| failing(&(m + dm * t), "m").unwrap();
                assert_close(failing_gradient(&m, "m").unwrap().dot(&dm), slope(at));
                let at = |t: f64| expecting(&(m + dm * t));
                assert_close(expecting_gradient(&m).dot(&dm), slope(at));
            }
            Err(e) => {
                assert_eq!(failing_gradient(&m, "m").unwrap_err(), e);
                assert_eq!(failing_jacobian(&m, "m").unwrap_err(), e);
            }
        }
    }
}

#[test]
#[should_panic(expected = "singular")]
fn a_value_that_is_expected() {
    expecting_gradient(&Matrix2::new(1.0, 2.0, 2.0, 4.0));
}

#[test]
#[should_panic(expected = "not positive: 2")]
fn a_pattern_that_is_expected() {
    expecting_gradient(&Matrix2::new(2.0, 0.3, 0.3, -1.5));
}

#[gradient]
#[hvp]
#[vjp]
fn of_their_own(a: f64, b: f64, c: f64) -> f64 {
    let discriminant = b * b - 4.0 * a * c;
    let root = if discriminant > 0.0 {
        Some((discriminant.sqrt() - b) / (2.0 * a))
    } else {
        None
    };
    let other = if a < 0.5 { None } else { Some((a * b, c)) };
    let s = match other {
        None => c,
        Some((p, q)) => p * q,
    };
    let shifted = root.map(|t| t + s).unwrap_or(a * b);
    let Some(t) = root else {
        return shifted * c;
    };
    if let Some(one) = Some(t * t) {
        one * shifted
    } else {
        0.0
    }
}

#[gradient(wrt(x))]
fn of_a_parameter(x: f64, scale: Option<f64>) -> f64 {
    let s;
    if x > 0.5 {
        s = x * x;
    } else {
        s = x.sin();
    }
    let sign = match scale {
        Some(s) if s > 1.0 => 2.0,
        _ => 3.0,
    };
    let y = scale.map_or(x, |k: f64| k * x + s) * sign;
    y * scale.unwrap_or(x)
}

#[test]
fn options_that_are_given() {
    for x in [0.3, 0.8] {
        for scale in [None, Some(0.4), Some(1.7)] {
            let at = |t: f64| of_a_parameter(x + t, scale);
            assert_eq!(of_a_parameter_value_and_gradient(x, scale).0, at(0.0));
            assert_close(of_a_parameter_gradient(x, scale), slope(at));
        }
    }
}

#[test]
fn options_that_the_function_makes() {
    for (a, b, c) in [
        (0.7, 2.3, 0.4),
        (0.3, 2.3, 0.4),
        (0.7, 0.3, 0.4),
        (0.3, 0.3, 0.4),
    ] {
        let at = |t: f64| of_their_own(a + 0.3 * t, b - 0.8 * t, c + t);
        let (value, (a_bar, b_bar, c_bar)) = of_their_own_value_and_gradient(a, b, c);
        assert_eq!(value, at(0.0));
        assert_close(0.3 * a_bar - 0.8 * b_bar + c_bar, slope(at));
        assert_close(of_their_own_vjp(a, b, c).1(2.0).2, 2.0 * c_bar);
        let at = |t: f64| of_their_own_gradient(a + 0.3 * t, b - 0.8 * t, c + t).1;
        assert_close(of_their_own_hvp(a, b, c, 0.3, -0.8, 1.0).1.1, slope(at));
    }
}

// ---- calls that may fail, in Hessians ----

#[derive(Debug, PartialEq)]
struct Negative(f64);

#[differentiable]
fn logarithm(x: f64) -> Result<f64, Negative> {
    if x <= 0.0 {
        Err(Negative(x))
    } else {
        Ok(x.ln())
    }
}

/// `?` of calls among the statements, in loops and on sides of branches.
#[gradient]
#[hessian]
fn likelihood(x: &[f64]) -> Result<f64, Negative> {
    let total: f64 = x.iter().sum();
    let mut s = logarithm(total)? * 0.1;
    for xi in x {
        let l = logarithm(*xi * s + 1.0)?;
        s = s * 0.5 + l * l;
    }
    for xi in x {
        s += if *xi > 0.4 { logarithm(*xi)? } else { *xi * s };
    }
    Ok(s)
}

#[test]
fn calls_that_may_fail_in_hessians() {
    use nalgrad::check;
    let x = vec![0.5, 0.3, 0.9];
    let gradient = |x: &Vec<f64>| likelihood_gradient(x).unwrap();
    check::gradient(|x: &Vec<f64>| likelihood(x).unwrap(), &x, &gradient(&x)).unwrap();
    check::jacobian(gradient, &x, &likelihood_hessian(&x).unwrap()).unwrap();
    assert_eq!(
        likelihood_hessian(&[0.5, -1.0]).unwrap_err(),
        Negative(-0.5)
    );
}
