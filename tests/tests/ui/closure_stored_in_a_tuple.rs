use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let scaled = |y: f64| y * x;
    let both = (scaled, 1.0);
    (both.0)(x) * both.1
}

fn main() {}
