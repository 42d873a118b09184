use nalgebra::Vector3;
use nalgrad::gradient;

enum Shape {
    Circle { size: f64 },
    Square { size: f64 },
}

/// A pattern of one variant does not fit the other.
#[gradient]
fn area(x: &Vector3<f64>) -> f64 {
    let shape = if x[0] > 0.0 {
        Shape::Circle { size: x[0] }
    } else {
        Shape::Square { size: x[1] }
    };
    match shape {
        Shape::Circle { size } => 3.0 * size * size,
        Shape::Square { size } => size * size,
    }
}

fn main() {}
