use nalgrad::gradient;

fn square(x: f64) -> f64 {
    x * x
}

#[gradient]
fn cost(x: f64) -> f64 {
    square(x) * x
}

fn main() {}
