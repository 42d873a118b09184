use nalgebra::DVector;
use nalgrad::gradient;

#[gradient]
fn cost(w: &DVector<f64>) {
    println!("{w}");
}

fn main() {}
