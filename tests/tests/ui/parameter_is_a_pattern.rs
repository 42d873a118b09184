use nalgrad::gradient;

#[gradient]
fn cost((x, y): (f64, f64)) -> f64 {
    x * y
}

fn main() {}
