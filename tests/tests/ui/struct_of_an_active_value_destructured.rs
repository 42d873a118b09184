use nalgrad::gradient;

struct Point {
    y: f64,
}

#[gradient]
fn cost(x: f64) -> f64 {
    let Point { y } = Point { y: x * x };
    y + 1.0
}

fn main() {}
