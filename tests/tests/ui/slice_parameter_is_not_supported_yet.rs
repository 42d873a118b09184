// Without `wrt` every parameter whose type is differentiable takes part, slices too:
// leaving this one out would be wrong.

use nalgrad::gradient;

#[gradient]
fn cost(x: &[f64], scale: f64) -> f64 {
    scale * x[0] * x[1]
}

fn main() {}
