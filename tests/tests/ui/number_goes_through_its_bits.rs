use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    f64::from_bits(x.to_bits()) * x
}

fn main() {}
