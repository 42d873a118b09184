//! Gradients of functions in a crate that knows nalgrad and nalgebra by other names.

use algebra::{DMatrix, DVector, Matrix3, Vector3};
use nalgrad_renamed::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

#[test]
fn scalars() {
    let (dx, dy) = wave_gradient(2.0, 0.5);
    assert!(close(dx, 0.5 * 1.0_f64.cos() + 1.0) && close(dy, 2.0 * 1.0_f64.cos()));
    let (value, gradient) = wave_value_and_gradient(2.0, 0.5);
    assert_eq!(value, wave(2.0, 0.5));
    assert!(close(gradient.0, dx) && close(gradient.1, dy));
}

#[test]
fn vectors() {
    let x = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, -1.0, -0.5]);
    let (w, b) = (DVector::from_row_slice(&[0.4, 0.9]), 0.1);
    let y = DVector::from_row_slice(&[1.0, -1.0]);
    // Only the first unit is on: z = 0.4 + 1.8 + 0.1.
    let z_bar = 2.3 - 1.0;
    let (value, (dw, db)) = cost_value_and_gradient(&w, b, &x, &y);
    assert!(close(dw[0], z_bar) && close(dw[1], 2.0 * z_bar) && close(db, z_bar));
    assert_eq!(value, cost(&w, b, &x, &y));
    let again = cost_gradient(&w, b, &x, &y);
    assert!((again.0 - dw).amax() < 1e-12 && close(again.1, db));
    assert_eq!(product_gradient(&w, &y), (y.clone(), w.clone()));
    assert_eq!(product_value_and_gradient(&w, &y).0, product(&w, &y));

    let m = Matrix3::new(2.0, 1.0, 0.0, -0.5, 3.0, 0.3, 0.2, 0.1, 1.5);
    let inverse = m.try_inverse().unwrap();
    let expected = (inverse * inverse).transpose() * -2.0;
    assert!((trace_of_inverse_gradient(&m, 2.0) - expected).amax() < 1e-12);
    assert_eq!(
        trace_of_inverse_value_and_gradient(&m, 2.0).0,
        trace_of_inverse(&m, 2.0)
    );

    let v = Vector3::new(1.0, -2.0, 0.5);
    let (dk, dv) = energy_gradient(1.5, &v);
    assert!(close(dk, v.norm_squared()) && (dv - v * 3.0).amax() < 1e-12);
    assert_eq!(energy_value_and_gradient(1.5, &v).0, energy(1.5, &v));
}

#[test]
fn every_companion() {
    let x = DVector::from_row_slice(&[0.9, -1.2]);
    let s = 0.4;
    let (x_bar, s_bar) = all_gradient(&x, s);
    let (value, gradient, hessian) = all_value_gradient_and_hessian(&x, s);
    assert_eq!(value, all(&x, s));
    assert!((&gradient.0 - &x_bar).amax() < 1e-12 && close(gradient.1, s_bar));
    let jacobian = all_jacobian(&x, s);
    assert!((jacobian.0.transpose() - &x_bar).amax() < 1e-12 && close(jacobian.1, s_bar));
    let (dx, ds) = (DVector::from_row_slice(&[0.3, 0.7]), -0.2);
    let tangent = all_jvp(&x, s, &dx, ds).1;
    assert!(close(tangent, x_bar.dot(&dx) + s_bar * ds));
    let pulled = all_vjp(&x, s).1(2.0);
    assert!((pulled.0 - &x_bar * 2.0).amax() < 1e-12 && close(pulled.1, 2.0 * s_bar));
    let product = all_hvp(&x, s, &dx, ds).1;
    let ((xx, xs), (sx, ss)) = hessian;
    assert!((product.0 - xx * &dx - xs * ds).amax() < 1e-12);
    assert!(close(product.1, (sx * &dx)[0] + ss * ds));
}
