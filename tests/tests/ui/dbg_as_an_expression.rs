use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = dbg!(x * x);
    y + 1.0
}

fn main() {}
