use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    x.column_iter().map(|column| column.norm()).sum::<f64>()
}

fn main() {}
