use nalgrad::gradient;

mod other {
    pub struct Vector3(f64);

    impl Vector3 {
        pub fn new(x: f64, y: f64, z: f64) -> Self {
            Self(x - y - z)
        }

        pub fn sum(&self) -> f64 {
            self.0
        }
    }
}

use other::Vector3;

#[gradient]
fn cost(x: f64) -> f64 {
    Vector3::new(x, x, x).sum()
}

fn main() {}
