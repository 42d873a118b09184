use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) -> Result<f64, String> {
    Ok(w.norm_squared())
}

fn main() {}
