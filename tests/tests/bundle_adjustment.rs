//! Bundle adjustment: the function of the example, against the numbers of ADBench and against finite differences.

#[allow(dead_code, reason = "the example runs it")]
#[path = "../../examples/adbench_ba.rs"]
mod example;

use example::{PROBLEMS, Problem, check, reproj, reproj_jacobian, reproj_value_and_jacobian};
use nalgebra::{SMatrix, SVector, Vector2, Vector3};

#[test]
fn errors_and_sparse_jacobian_are_those_of_adbench() {
    for (input, expected) in PROBLEMS {
        check(&Problem::read(input), expected);
    }
}

/// The side without an angle, which no input of ADBench takes.
#[test]
fn without_a_rotation() {
    let mut cam = SVector::<f64, 11>::from_fn(|i, _| 0.3 + 0.1 * i as f64);
    cam.fixed_rows_mut::<3>(0).fill(0.0);
    let (x, w, feat) = (Vector3::new(1.5, -0.2, 3.0), 0.7, Vector2::new(0.4, 0.9));
    let (value, (by_cam, by_x, by_w)) = reproj_value_and_jacobian(&cam, &x, w, &feat);
    assert_eq!(value, reproj(&cam, &x, w, &feat));
    assert_eq!((by_cam, by_x, by_w), reproj_jacobian(&cam, &x, w, &feat));
    let h = 1e-6;
    let slope = |above: Vector2<f64>, below: Vector2<f64>| (above - below) / (2.0 * h);
    let mut expected = SMatrix::<f64, 2, 15>::zeros();
    // A step takes the other side of the branch, where the function goes on smoothly.
    for i in 0..11 {
        let mut step = SVector::zeros();
        step[i] = h;
        let column = slope(
            reproj(&(cam + step), &x, w, &feat),
            reproj(&(cam - step), &x, w, &feat),
        );
        expected.set_column(i, &column);
    }
    for i in 0..3 {
        let mut step = Vector3::zeros();
        step[i] = h;
        let column = slope(
            reproj(&cam, &(x + step), w, &feat),
            reproj(&cam, &(x - step), w, &feat),
        );
        expected.set_column(11 + i, &column);
    }
    let column = slope(
        reproj(&cam, &x, w + h, &feat),
        reproj(&cam, &x, w - h, &feat),
    );
    expected.set_column(14, &column);
    let mut found = SMatrix::<f64, 2, 15>::zeros();
    found.fixed_columns_mut::<11>(0).copy_from(&by_cam);
    found.fixed_columns_mut::<3>(11).copy_from(&by_x);
    found.set_column(14, &by_w);
    assert!((found - expected).amax() < 1e-6 * expected.amax());
}
