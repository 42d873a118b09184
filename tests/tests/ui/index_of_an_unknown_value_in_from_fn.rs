// `w` may be anything that has an index.

use nalgebra::DVector;
use nalgrad::gradient;

struct Table(Vec<f64>);

#[gradient(wrt(x))]
fn cost(x: &DVector<f64>, table: &Table) -> f64 {
    DVector::from_fn(x.len(), |i, _| x[i] * table.0[i]).sum()
}

fn main() {}
