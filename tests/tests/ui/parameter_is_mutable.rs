use nalgrad::gradient;

#[gradient]
fn cost(mut x: f64) -> f64 {
    x *= 2.0;
    x.sin()
}

fn main() {}
