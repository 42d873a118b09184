use nalgrad::gradient;

#[gradient]
macro_rules! square {
    ($x:expr) => {
        $x * $x
    };
}

const FOUR: f64 = square!(2.0);

fn main() {}
