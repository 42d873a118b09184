use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    match x.partial_cmp(&0.0) {
        Some(_) => x * x,
        None => x,
    }
}

fn main() {}
