use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    if let Some(root) = Some(x.sqrt()) {
        root
    } else {
        0.0
    }
}

fn main() {}
