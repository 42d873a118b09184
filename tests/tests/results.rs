//! Results in parts: arrays and `Vec`s of vectors and matrices, in tuples and in each other; arrays as local values.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]
#![allow(
    clippy::type_complexity,
    clippy::useless_vec,
    reason = "that is what is tested"
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{DMatrix, DVector, Matrix2, SMatrix, Vector2, Vector4, dvector};
use nalgrad::{gradient, hvp, jacobian, jvp, vjp};

#[jacobian]
#[jvp]
#[vjp]
fn corners(x: &Vector2<f64>, k: f64) -> [Vector2<f64>; 2] {
    let turned = Vector2::new(x.y.sin(), x.x * k);
    [x * k, turned]
}

#[test]
fn arrays_of_vectors() {
    let (x, k) = (Vector2::new(0.3, -0.8), 0.7);
    let (dx, dk) = (Vector2::new(1.0, 0.5), -0.4);
    let value = corners(&x, k);
    let (same, tangent): ([Vector2<f64>; 2], [Vector2<f64>; 2]) = corners_jvp(&x, k, &dx, dk);
    assert_eq!(same, value);
    let (by_x, by_k): (SMatrix<f64, 4, 2>, Vector4<f64>) = corners_jacobian(&x, k);
    for i in 0..4 {
        let along = slope(|t| corners(&(x + dx * t), k + dk * t)[i / 2][i % 2]);
        assert_close(tangent[i / 2][i % 2], along);
        assert_close((by_x * dx + by_k * dk)[i], along);
    }
    let (same, pullback) = corners_vjp(&x, k);
    assert_eq!(same, value);
    let bars = [Vector2::new(0.2, 1.0), Vector2::new(-0.6, 0.9)];
    let (x_bar, k_bar) = pullback(bars);
    let pulled = x_bar.dot(&dx) + k_bar * dk;
    assert_close(pulled, bars[0].dot(&tangent[0]) + bars[1].dot(&tangent[1]));
}

type Parts = (f64, Vec<DVector<f64>>, [(f64, Matrix2<f64>); 1], usize);

#[jvp(wrt(x))]
#[vjp]
fn nested(
    x: &DVector<f64>,
    w: &DMatrix<f64>,
) -> (f64, Vec<DVector<f64>>, [(f64, Matrix2<f64>); 1], usize) {
    let y = w * x;
    let all = vec![y.map(|y| y.tanh()), x * 2.0];
    (
        y.norm(),
        all,
        [(x.sum(), Matrix2::new(x[0], 0.0, x[1], x[0] * x[1]))],
        x.len(),
    )
}

#[test]
fn parts_in_parts() {
    let (x, dx) = (dvector![0.3, -0.8], dvector![0.5, 1.2]);
    let w = DMatrix::from_row_slice(3, 2, &[0.4, -0.7, 1.1, 0.2, -0.5, 0.9]);
    let value: Parts = nested(&x, &w);
    let (same, tangent) = nested_jvp(&x, &w, &dx);
    assert_eq!(same, value);
    let at = |t: f64| nested(&(&x + &dx * t), &w);
    assert_close(tangent.0, slope(|t| at(t).0));
    for i in 0..3 {
        assert_close(tangent.1[0][i], slope(|t| at(t).1[0][i]));
    }
    assert_close(tangent.1[1][1], 2.4);
    assert_close(tangent.2[0].0, 1.7);
    assert_close(tangent.2[0].1[(1, 1)], slope(|t| at(t).2[0].1[(1, 1)]));
    let () = tangent.3;
    let (same, pullback) = nested_vjp(&x, &w);
    assert_eq!(same, value);
    let bars = (
        0.4,
        vec![dvector![0.1, -0.9, 0.3], dvector![0.7, 0.2]],
        [(1.5, Matrix2::new(0.3, 5.0, -0.2, 0.6))],
        (),
    );
    let pulled = pullback(bars.clone()).dot(&dx);
    let expected = bars.0 * tangent.0
        + bars
            .1
            .iter()
            .zip(&tangent.1)
            .map(|(a, b)| a.dot(b))
            .sum::<f64>()
        + bars.2[0].0 * tangent.2[0].0
        + bars.2[0].1.dot(&tangent.2[0].1);
    assert_close(pulled, expected);
}

/// Arrays as local values: literal indices, patterns, their length.
#[gradient]
#[hvp]
fn local(x: &Vector2<f64>, k: f64) -> f64 {
    let a = [x.x * k, x.y, 1.5];
    let [first, second, _] = a;
    let vs = [x * k, x.component_mul(x)];
    let pairs = vec![(k, x.x), (x.y, a[2])];
    a[0] * a[1] * a[2]
        + vs[0].dot(&vs[1])
        + pairs[1].0 * pairs[0].1 * first
        + second / a.len() as f64
}

#[test]
fn arrays_as_values() {
    let (x, k) = (Vector2::new(0.3, -0.8), 0.7);
    let (dx, dk) = (Vector2::new(1.0, 0.5), -0.4);
    let (value, (x_bar, k_bar)) = local_value_and_gradient(&x, k);
    assert_eq!(value, local(&x, k));
    assert_close(
        x_bar.dot(&dx) + k_bar * dk,
        slope(|t| local(&(x + dx * t), k + dk * t)),
    );
    let ((again, _), (hx, hk)) = local_hvp(&x, k, &dx, dk);
    assert_eq!(again, x_bar);
    let at = |t: f64| local_gradient(&(x + dx * t), k + dk * t);
    assert_close(hx.x, slope(|t| at(t).0.x));
    assert_close(hk, slope(|t| at(t).1));
}

#[jacobian]
fn listed(x: &Vector2<f64>) -> Vec<[f64; 2]> {
    vec![[x.x, x.x * x.y], [x.y, 1.0]]
}

#[test]
fn lists_in_lists() {
    let j: DMatrix<f64> = listed_jacobian(&Vector2::new(2.0, 3.0));
    assert_eq!(listed(&Vector2::zeros()).len(), 2);
    assert_eq!(
        j,
        DMatrix::from_row_slice(4, 2, &[1.0, 0.0, 3.0, 2.0, 0.0, 1.0, 0.0, 0.0])
    );
}

/// Kept statements read tuples and arrays of values.
#[gradient]
fn observed(x: f64, y: &Vector2<f64>) -> f64 {
    let a = [x * 2.0, y.x];
    let t = (x * 3.0, y * x, 1.5);
    println!("{a:?} {}", t.1);
    assert!(t.0 > 0.0 && t.1.norm() > 0.0 && t.2 > 1.0, "{:?}", a);
    a[0] * a[1] * t.1.x
}

#[test]
fn observed_parts() {
    let y = Vector2::new(0.4, -0.9);
    let (dx, _) = observed_gradient(0.7, &y);
    assert_close(dx, slope(|t| observed(0.7 + t, &y)));
}
