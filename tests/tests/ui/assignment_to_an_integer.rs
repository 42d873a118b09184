use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut n: usize = 1;
    n += x as usize;
    let mut y = x;
    y %= 2.0;
    y <<= 1;
    y * n as f64
}

fn main() {}
