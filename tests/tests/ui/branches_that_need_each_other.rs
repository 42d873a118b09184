// The second derivatives of an entry of what a branch gives, which is read on a side of another branch as well.

use nalgebra::{DMatrix, DVector, RowDVector, dmatrix};
use nalgrad::hvp;

#[hvp]
fn f(x: &DVector<f64>, t: f64) -> f64 {
    let y = if t < 1.5 {
        DMatrix::from_fn(2, 2, |i, _| x[i]) * DVector::from_vec(vec![t, t])
    } else {
        DVector::from_column_slice(&[2.0, t])
    };
    if t < -0.5 {
        let _row = RowDVector::from_vec(vec![t, y[1]]);
        return t;
    }
    let q = dmatrix![t, t, t; t, y[1], t];
    q[(1, 1)]
}

fn main() {
    let x = DVector::from_element(2, 1.0);
    f_hvp(&x, 1.0, &x, 1.0);
}
