use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    match x * x {
        Limit if Limit > 1.0 => x,
        _ => 0.0,
    }
}

fn main() {}
