use nalgrad::gradient;

#[gradient = "w"]
fn cost(w: f64) -> f64 {
    w * w
}

fn main() {}
