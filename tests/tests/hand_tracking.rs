//! A hand that is fitted to points: the functions of the example, against the numbers of ADBench and against finite
//! differences.

#[allow(dead_code, reason = "the example runs it")]
#[path = "../../examples/adbench_hand.rs"]
mod example;

use example::{check, problems, simple, simple_jacobian, simple_value_and_jacobian};
use nalgebra::{DVector, SVector};

#[test]
fn errors_and_jacobians_are_those_of_adbench() {
    let (model, problems) = problems();
    for (problem, expected) in problems {
        check(&problem.errors(&model), &problem.jacobian(&model), expected);
    }
}

/// Every entry, and where the hand does not turn as a whole, which no input of ADBench has.
#[test]
fn finite_differences() {
    let (model, problems) = problems();
    let problem = &problems[0].0;
    let mut still = problem.theta;
    still.fixed_rows_mut::<3>(0).fill(0.0);
    for theta in [problem.theta, still] {
        let at = |theta: &SVector<f64, 26>| simple(theta, &model, &problem.chosen, &problem.points);
        let jacobian = simple_jacobian(&theta, &model, &problem.chosen, &problem.points);
        let both = simple_value_and_jacobian(&theta, &model, &problem.chosen, &problem.points);
        assert_eq!(both, (at(&theta), jacobian.clone()));
        for i in 0..26 {
            // Turns of less than 1e-4 are none in this function: the derivative is that of the side taken.
            let h = 1e-6;
            let mut step = SVector::zeros();
            step[i] = h;
            let slope: DVector<f64> = (at(&(theta + step)) - at(&(theta - step))) / (2.0 * h);
            let miss = (slope - jacobian.column(i)).amax();
            assert!(miss < 1e-8, "by theta[{i}]: {miss}");
        }
    }
}
