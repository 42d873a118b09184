use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let boxed = Box::new(x * x);
    *boxed + 1.0
}

fn main() {}
