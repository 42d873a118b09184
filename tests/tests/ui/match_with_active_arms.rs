use nalgrad::gradient;

#[gradient]
fn cost(x: f64, n: u32) -> f64 {
    match n {
        0 => x,
        1 => x * x,
        _ => x.exp(),
    }
}

fn main() {}
