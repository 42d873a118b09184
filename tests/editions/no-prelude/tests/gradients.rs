//! Gradients of functions in a crate without a prelude.

use nalgebra::{DMatrix, DVector, Matrix3, Vector3};
use nalgrad_no_prelude::springs::Spring;
use nalgrad_no_prelude::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

#[test]
fn scalars() {
    let (dx, dy) = wave_gradient(2.0, 0.5);
    assert!(close(dx, 0.5 * 1.0_f64.cos()) && close(dy, 2.0 * 1.0_f64.cos()));
    let (dx, dy) = wave_gradient(0.5, 2.0);
    assert!(close(dx, 0.5_f64.exp()) && close(dy, -1.0));
    assert_eq!(wave_value_and_gradient(2.0, 0.5).0, wave(2.0, 0.5));
}

#[test]
fn dynamic_vectors() {
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

    let spring = Spring {
        stiffness: 3.0,
        rest: y,
    };
    let expected = (&w - &spring.rest) * 3.0;
    assert!((spring.energy_gradient(&w) - expected).amax() < 1e-12);
    assert_eq!(spring.energy_value_and_gradient(&w).0, spring.energy(&w));
}

#[test]
fn static_vectors() {
    let (p, q) = (Vector3::new(0.5, 0.25, 0.25), Vector3::new(0.1, 0.3, 0.6));
    let (dp, dq) = divergence_gradient(&p, &q);
    assert!((dp - p.zip_map(&q, |a, b| (a / b).ln() + 1.0)).amax() < 1e-12);
    assert!((dq + p.component_div(&q)).amax() < 1e-12);

    let m = Matrix3::new(2.0, 1.0, 0.0, -0.5, 3.0, 0.3, 0.2, 0.1, 1.5);
    let inverse = m.try_inverse().unwrap();
    let mut inverse_bar = Matrix3::zeros();
    inverse_bar.set_column(0, &(inverse.column(0) * 2.0));
    inverse_bar[(2, 2)] += 1.0;
    let expected = -(inverse.transpose() * inverse_bar * inverse.transpose());
    assert!((corner_gradient(&m) - expected).amax() < 1e-12);

    let (dk, dx) = energy_gradient(1.5, &p);
    assert!(close(dk, p.norm_squared()) && (dx - p * 3.0).amax() < 1e-12);
    assert_eq!(energy_value_and_gradient(1.5, &p).0, energy(1.5, &p));
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

#[test]
fn rules_and_results_of_several_kinds() {
    assert!(close(tower_gradient(1.1), 9.0 * 1.1_f64.powi(8)));
    assert!(close(tower_jvp(1.1, 2.0).1, 18.0 * 1.1_f64.powi(8)));
    let x = Vector3::new(1.0, -2.0, 2.0);
    let (value, jacobian) = several_value_and_jacobian(&x, 0.5);
    assert_eq!(value, several(&x, 0.5));
    assert_eq!(jacobian.0.1, x);
    assert_eq!(jacobian.1.0.row(1), x.transpose() / 3.0);
}
