// The type is pinned to nalgebra's, so that this is an error and not a wrong number.

use nalgrad::gradient;

mod other {
    #[derive(Clone, Copy)]
    pub struct Vector3<T> {
        pub x: T,
        pub y: T,
        pub z: T,
    }

    impl Vector3<f64> {
        /// Not the sum of the squares of the entries.
        pub fn norm_squared(&self) -> f64 {
            self.x + self.y + self.z
        }
    }
}

use other::Vector3;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    x.norm_squared()
}

fn main() {}
