use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let (y, z);
    y = x * x;
    z = y * x;
    y + z
}

fn main() {}
