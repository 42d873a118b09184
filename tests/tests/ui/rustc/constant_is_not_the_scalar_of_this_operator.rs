// A product with a type of the user's is no product of numbers.

use std::ops::Mul;

use nalgrad::gradient;

#[derive(Clone, Copy)]
struct Gain(f64);

impl Mul<Gain> for f64 {
    type Output = f64;

    fn mul(self, gain: Gain) -> f64 {
        self * self * gain.0
    }
}

#[gradient]
fn cost(x: f64, gain: Gain) -> f64 {
    x * gain
}

fn main() {}
