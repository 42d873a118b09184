// The struct is still there for its users.

use nalgrad::gradient;

#[gradient]
struct Point {
    x: f64,
}

fn user(point: &Point) -> f64 {
    point.x
}

fn main() {}
