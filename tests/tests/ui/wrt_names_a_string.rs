use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: &str, scale: f64) -> f64 {
    scale * x.len() as f64
}

fn main() {}
