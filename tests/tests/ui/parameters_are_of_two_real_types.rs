use nalgrad::gradient;

#[gradient]
fn cost(x: f64, y: f32) -> f64 {
    x * f64::from(y)
}

fn main() {}
