use nalgebra::{DMatrix, DVectorView};
use nalgrad::vjp;

#[vjp]
fn first(x: &DMatrix<f64>) -> DVectorView<'_, f64> {
    x.column(0)
}

fn main() {}
