use nalgrad::gradient;

#[gradient]
unsafe fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
