use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: fn(f64) -> f64, scale: f64) -> f64 {
    x(scale)
}

fn main() {}
