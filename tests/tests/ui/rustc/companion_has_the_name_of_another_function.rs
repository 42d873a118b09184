use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    x * x
}

fn cost_gradient(x: f64) -> f64 {
    2.0 * x
}

fn main() {}
