use nalgrad::gradient;

#[gradient]
fn cost(x: f32) -> f64 {
    f64::from(x * x)
}

fn main() {}
