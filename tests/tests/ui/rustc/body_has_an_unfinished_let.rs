use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y =
    x * x
}

fn caller() -> (f64, f64) {
    (cost(1.0), cost_gradient(1.0))
}

fn main() {}
