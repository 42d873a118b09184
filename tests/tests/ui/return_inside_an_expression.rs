use nalgrad::gradient;

#[gradient]
fn cost(x: f64, n: u32) -> f64 {
    1.0 + match n {
        0 => return x,
        _ => x.sqrt(),
    }
}

fn main() {}
