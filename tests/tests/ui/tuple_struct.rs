use nalgrad::gradient;

struct Metres(f64);

#[gradient]
fn cost(x: f64) -> f64 {
    let metres = Metres(x * x);
    metres.0
}

fn main() {}
