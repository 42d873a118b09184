use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: Option<f64>, scale: f64) -> f64 {
    scale * x.unwrap_or(1.0)
}

fn main() {}
