use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let first = f64::from(x[0]);
    let second = x.iter().max_by(|a, b| a.total_cmp(b).is_lt().cmp(&true)).unwrap();
    first * second + Some(x[1]).xor(None).unwrap_or(0.0)
}

fn main() {}
