use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = x;
    while y < 100.0 {
        y = y * y + 1.0;
    }
    y
}

fn main() {}
