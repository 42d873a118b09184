use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let first = f64::from(x[0]);
    let second = x.iter().max_by_key(|v| v.to_bits()).unwrap();
    first * second + Some(x[1]).xor(None).unwrap_or(0.0)
}

fn main() {}
