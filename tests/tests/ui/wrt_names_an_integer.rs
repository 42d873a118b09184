use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: usize, scale: f64) -> f64 {
    scale * x as f64
}

fn main() {}
