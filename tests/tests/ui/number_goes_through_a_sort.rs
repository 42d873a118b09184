use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut entries: Vec<f64> = x.iter().copied().collect();
    entries.sort_by(f64::total_cmp);
    entries[0] * entries[1]
}

fn main() {}
