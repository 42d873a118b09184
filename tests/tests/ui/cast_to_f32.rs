use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    (x * x) as f32 as f64
}

fn main() {}
