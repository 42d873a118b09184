use nalgrad::gradient;

#[gradient]
fn cost(x: f64, n: u32) -> f64 {
    let y = match n {
        0 => x,
        1 => return 2.0 * x,
        2 => x * x,
        _ => x.exp(),
    };
    y.sin()
}

fn main() {}
