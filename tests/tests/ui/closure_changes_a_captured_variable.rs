use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>) -> f64 {
    let mut running = 0.0;
    let sums = x.map(|entry| {
        running += entry;
        running
    });
    sums.norm_squared()
}

fn main() {}
