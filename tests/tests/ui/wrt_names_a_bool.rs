use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: bool, scale: f64) -> f64 {
    if x { scale } else { 0.0 }
}

fn main() {}
