use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let interval = 0.0..x;
    interval.end * interval.end
}

fn main() {}
