//! The gradients of `functions.rs`, seen from another crate, against formulas.

use nalgebra::{DMatrix, DVector, Matrix3, Vector2, Vector3};

use super::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

#[test]
fn scalars() {
    let (x, y) = (0.7_f64, -0.3);
    let phase = x * x + y;
    let (dx, dy): (f64, f64) = wave_gradient(x, y);
    assert!(close(dx, x.exp() * (2.0 * x * phase.cos() + phase.sin())));
    assert!(close(dy, x.exp() * phase.cos()));
    let (value, gradient) = wave_value_and_gradient(x, y);
    assert_eq!(value, wave(x, y));
    assert!(close(gradient.0, dx) && close(gradient.1, dy));
    assert!((half_square_gradient(1.5_f32) - 1.5).abs() < 1e-6);
    assert_eq!(half_square_value_and_gradient(1.5).0, half_square(1.5));
    assert!(close(try_gradient(2.0), 12.0));
    assert_eq!(try_value_and_gradient(2.0).0, r#try(2.0));
}

#[test]
fn dynamic_vectors() {
    let x = DMatrix::from_row_slice(3, 2, &[1.0, 2.0, -1.0, 0.5, 0.3, -2.0]);
    let (w, b) = (DVector::from_row_slice(&[0.4, 0.9]), 0.1);
    let y = DVector::from_row_slice(&[1.0, -1.0, 0.5]);
    let (mut dw, mut db) = (DVector::zeros(2), 0.0);
    for i in 0..3 {
        let z = x[(i, 0)] * w[0] + x[(i, 1)] * w[1] + b;
        if z > 0.0 {
            let z_bar = 2.0 * (z - y[i]) / 3.0;
            dw += z_bar * x.row(i).transpose();
            db += z_bar;
        }
    }
    let (value, (got_dw, got_db)) = cost_value_and_gradient(&w, b, &x, &y);
    assert!((&got_dw - dw).amax() < 1e-12 && close(got_db, db));
    assert_eq!(value.to_bits(), cost(&w, b, &x, &y).to_bits());
    let again = cost_gradient(&w, b, &x, &y);
    assert!((again.0 - &got_dw).amax() < 1e-12 && close(again.1, got_db));
    assert_eq!(linear_gradient(&w, &got_dw), w);
    assert_eq!(
        linear_value_and_gradient(&w, &got_dw),
        (linear(&w, &got_dw), w)
    );
}

#[test]
fn static_vectors() {
    let (a, b, c) = (
        Vector3::new(1.0, 2.0, -1.0),
        Vector3::new(0.5, 0.1, 2.0),
        Vector3::new(-0.4, 1.0, 3.0),
    );
    let (da, db, dc) = volume_gradient(&a, &b, &c);
    assert!((da - b.cross(&c)).amax() < 1e-12);
    assert!((db - c.cross(&a)).amax() < 1e-12);
    assert!((dc - a.cross(&b)).amax() < 1e-12);
    assert_eq!(volume_value_and_gradient(&a, &b, &c).0, volume(&a, &b, &c));
    let m = Matrix3::from_columns(&[a, b, c]);
    let m = m * m.determinant().signum();
    let expected = m.try_inverse().unwrap().transpose();
    assert!((log_det_gradient(&m) - expected).amax() < 1e-12);
    assert_eq!(log_det_value_and_gradient(&m).0, log_det(&m));
    let x = Vector2::new(0.25, -4.0);
    assert!((energy_gradient(1.5, &x) - x * 3.0).amax() < 1e-12);
    assert_eq!(energy_value_and_gradient(1.5, &x).0, energy(1.5, &x));
}

#[test]
fn branches() {
    assert!(close(huber_gradient(0.5, 1.0), 0.5));
    assert!(close(huber_gradient(-3.0, 1.25), -1.25));
    assert_eq!(huber_value_and_gradient(-3.0, 1.25).0, huber(-3.0, 1.25));
}

#[test]
fn methods() {
    let line = Line { slope: -2.0 };
    let expected = 2.0 * -2.0 * (-2.0 * 0.3 + Line::START);
    assert!(close(line.height_squared_gradient(0.3), expected));
    assert!(close(Line::height_squared_gradient(&line, 0.3), expected));
    assert_eq!(
        line.height_squared_value_and_gradient(0.3).0,
        line.height_squared(0.3)
    );
}

#[test]
fn products() {
    let a = DMatrix::from_row_slice(2, 2, &[0.5, -1.0, 2.0, 0.3]);
    let (x, v) = (
        DVector::from_row_slice(&[0.4, 0.9]),
        DVector::from_row_slice(&[1.0, -2.0]),
    );
    let (value, pullback) = layer_vjp(&a, &x);
    assert_eq!(value, layer(&a, &x));
    let slope = value.map(|y| 1.0 - y * y);
    let (a_bar, x_bar) = pullback(v.clone());
    let z_bar = slope.component_mul(&v);
    assert!((a_bar - &z_bar * x.transpose()).amax() < 1e-12);
    assert!((x_bar - a.transpose() * z_bar).amax() < 1e-12);
    let (_, tangent) = layer_jvp(&a, &x, &DMatrix::zeros(2, 2), &v);
    assert!((tangent - slope.component_mul(&(&a * &v))).amax() < 1e-12);
    assert!(close(quadratic(&a, &x), x.dot(&(&a * &x))));
    let (gradient, product) = quadratic_hvp(&a, &x, &v);
    let symmetric = &a + a.transpose();
    assert!((gradient - &symmetric * &x).amax() < 1e-12);
    assert!((product - symmetric * &v).amax() < 1e-12);
}

#[test]
fn every_companion() {
    let x = DVector::from_row_slice(&[0.9, -1.2]);
    let s = 0.4;
    let a = DMatrix::from_row_slice(2, 2, &[0.3, -0.4, 1.1, 0.2]);
    let (x_bar, s_bar) = all_gradient(&a, &x, s);
    let (value, gradient, hessian) = all_value_gradient_and_hessian(&a, &x, s);
    assert_eq!(value, all(&a, &x, s));
    assert!((&gradient.0 - &x_bar).amax() < 1e-12 && close(gradient.1, s_bar));
    let jacobian = all_jacobian(&a, &x, s);
    assert!((jacobian.0.transpose() - &x_bar).amax() < 1e-12 && close(jacobian.1, s_bar));
    let (dx, ds) = (DVector::from_row_slice(&[0.3, 0.7]), -0.2);
    let tangent = all_jvp(&a, &x, s, &dx, ds).1;
    assert!(close(tangent, x_bar.dot(&dx) + s_bar * ds));
    let pulled = all_vjp(&a, &x, s).1(2.0);
    assert!((pulled.0 - &x_bar * 2.0).amax() < 1e-12 && close(pulled.1, 2.0 * s_bar));
    let product = all_hvp(&a, &x, s, &dx, ds).1;
    let ((xx, xs), (sx, ss)) = hessian;
    assert!((product.0 - xx * &dx - xs * ds).amax() < 1e-12);
    assert!(close(product.1, (sx * &dx)[0] + ss * ds));
}
