use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = x * x;
    y = y.sin();
    y
}

fn main() {}
