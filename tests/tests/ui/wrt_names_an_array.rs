use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: [f64; 3], scale: f64) -> f64 {
    scale * x[0] * x[1] * x[2]
}

fn main() {}
