use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: Vec<f64>, scale: f64) -> f64 {
    scale * x[0] * x[1]
}

fn main() {}
