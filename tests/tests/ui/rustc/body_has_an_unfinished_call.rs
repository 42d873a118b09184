use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    x.max(0.0, )  * .
}

fn caller() -> (f64, f64) {
    (cost(1.0), cost_gradient(1.0))
}

fn main() {}
