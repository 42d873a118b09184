use nalgebra::RealField;
use nalgrad::gradient;

#[gradient]
fn square<T: RealField>(x: T) -> T {
    x.clone() * x
}

fn main() {}
