use nalgrad::gradient;

struct Point {
    y: f64,
}

#[gradient]
fn cost(x: f64) -> f64 {
    let point = Point { y: x * x };
    point.y
}

fn main() {}
