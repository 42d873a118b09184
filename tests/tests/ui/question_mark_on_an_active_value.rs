use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> Option<f64> {
    let y = Some(x * x)?;
    Some(y + 1.0)
}

fn main() {}
