use nalgrad::gradient;

#[gradient]
fn cost(x: f64, scale: Option<f64>) -> f64 {
    let root = || Some(x.sqrt() * scale?);
    root().unwrap_or(0.0)
}

fn main() {}
