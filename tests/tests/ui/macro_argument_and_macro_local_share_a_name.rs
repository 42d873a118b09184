// To rustc they are two variables: the gradient is 2, and not 0.

use nalgrad::gradient;

macro_rules! define {
    ($x:ident) => {
        #[gradient]
        fn cost($x: f64) -> f64 {
            let x = 2.0;
            $x * x
        }
    };
}

define!(x);

fn main() {}
