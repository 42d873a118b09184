//! Loops: one that adds up, one that carries a number, and one that changes a vector in place.

use nalgebra::{DVector, Vector3};
use nalgrad::{gradient, jvp};

/// Half the sum of squared errors of a₀ exp(−a₁ t) + a₂.
#[gradient(wrt(a))]
pub fn misfit(a: &Vector3<f64>, times: &[f64], heights: &[f64]) -> f64 {
    let mut total = 0.0;
    for (t, height) in times.iter().zip(heights) {
        let error = a.x * (-a.y * t).exp() + a.z - height;
        total += error * error;
    }
    total / 2.0
}

/// A pendulum after `n` steps: its angle.
#[gradient]
pub fn pendulum(angle: f64, length: f64, n: usize) -> f64 {
    let (mut angle, mut speed) = (angle, 0.0);
    for _ in 0..n {
        speed -= 0.01 * 9.81 / length * angle.sin();
        angle += 0.01 * speed;
    }
    angle
}

/// Each entry meets the one before it.
#[jvp]
pub fn sweep(x: &DVector<f64>) -> DVector<f64> {
    let mut x = x.clone();
    for i in 1..x.len() {
        x[i] = (x[i - 1] * x[i]).sin();
    }
    x
}
