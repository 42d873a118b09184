use nalgrad::gradient;

#[gradient]
fn cost(x: f64, y: f64) -> f64 {
    let mut total = x;
    (|t: f64| total *= t)(y);
    total
}

fn main() {}
