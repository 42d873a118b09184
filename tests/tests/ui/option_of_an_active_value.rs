use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let root = Some(x.sqrt());
    root.filter(|y| *y > 1.0).unwrap_or(0.0)
}

fn main() {}
