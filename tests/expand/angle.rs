//! Geometry with vectors of three.

use nalgebra::Vector3;
use nalgrad::gradient;

/// The angle at `b` of a chain of three atoms.
#[gradient]
pub fn angle(a: Vector3<f64>, b: Vector3<f64>, c: Vector3<f64>) -> f64 {
    let (u, v) = (a - b, c - b);
    u.cross(&v).norm().atan2(u.dot(&v))
}
