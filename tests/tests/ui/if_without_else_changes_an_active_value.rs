use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = x;
    if x > 1.0 {
        y *= 2.0;
    }
    y * y
}

fn main() {}
