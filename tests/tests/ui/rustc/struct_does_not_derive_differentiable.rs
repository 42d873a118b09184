use nalgrad::gradient;

struct Line {
    slope: f64,
}

#[gradient(wrt(x))]
fn cost(x: &Line, scale: f64) -> f64 {
    x.slope * scale
}

fn main() {}
