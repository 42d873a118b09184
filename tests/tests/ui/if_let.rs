use nalgrad::gradient;

#[gradient]
fn cost(x: f64, factor: Option<f64>) -> f64 {
    if let Some(scale) = factor {
        scale * x
    } else {
        x
    }
}

fn main() {}
