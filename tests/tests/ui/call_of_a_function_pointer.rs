use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let wave = f64::sin;
    wave(x)
}

fn main() {}
