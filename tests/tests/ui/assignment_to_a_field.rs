use nalgrad::gradient;

struct Point {
    y: f64,
}

#[gradient]
fn cost(x: f64) -> f64 {
    let mut point = Point { y: 0.0 };
    point.y = x * x;
    point.y
}

fn main() {}
