use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = if x > 0.0 { x.sqrt() } else { return x };
    y + 1.0
}

fn main() {}
