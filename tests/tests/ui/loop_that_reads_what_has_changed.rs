// The size of `p` would take the inner loop once more on the way back, when `n` has changed.

use nalgebra::{DMatrix, DVector};
use nalgrad::hvp;

#[hvp]
fn f(x: f64) -> f64 {
    let mut a = x;
    let mut n = 0;
    while n < 3 {
        let mut p = DMatrix::from_element(3, 3, 0.5);
        let m = p.map(|_| x);
        for _ in 0..m.len() {
            p += m[(0, n)] * &m;
        }
        a /= DVector::from_column_slice(&[a, x, a]).dot(&DVector::from_element(3, p[(n, n)]));
        n += 1;
    }
    a
}

fn main() {
    f_hvp(1.0, 1.0);
}
