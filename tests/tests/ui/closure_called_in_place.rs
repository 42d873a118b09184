use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    (|y: f64| y * y)(x)
}

fn main() {}
