use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: impl Into<f64>, scale: f64) -> f64 {
    scale * x.into()
}

fn main() {}
