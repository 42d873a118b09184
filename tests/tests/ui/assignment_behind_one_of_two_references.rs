use nalgrad::gradient;

#[gradient]
fn cost(x: f64, first: bool) -> f64 {
    let (mut y, mut z) = (1.0, 2.0);
    let slot = if first { &mut y } else { &mut z };
    *slot = x * x;
    y * z
}

fn main() {}
