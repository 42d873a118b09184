// The companions are no members of the trait.

use nalgrad::gradient;

trait Potential {
    fn energy(&self, x: f64) -> f64;
}

struct Spring;

impl Potential for Spring {
    #[gradient]
    fn energy(&self, x: f64) -> f64 {
        x * x
    }
}

fn main() {}
