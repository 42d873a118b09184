// `x - centre` leaves only a vector possible; this one is of another type with an
// operator of its own.

use std::ops::Sub;

use nalgebra::Vector3;
use nalgrad::gradient;

struct Centre([f64; 3]);

impl Sub<&Centre> for &Vector3<f64> {
    type Output = Vector3<f64>;

    fn sub(self, centre: &Centre) -> Vector3<f64> {
        Vector3::from(centre.0) - self * 2.0
    }
}

#[gradient]
fn cost(x: &Vector3<f64>, centre: &Centre) -> f64 {
    (x - centre).norm_squared()
}

fn main() {}
