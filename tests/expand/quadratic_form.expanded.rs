pub fn p81_gradient(x: &DVector<f64>, a: &DMatrix<f64>) -> (DVector<f64>, DMatrix<f64>) {
    (a * x + a.tr_mul(x), x * x.transpose())
}

pub fn p81_value_and_gradient(
    x: &DVector<f64>,
    a: &DMatrix<f64>,
) -> (f64, (DVector<f64>, DMatrix<f64>)) {
    let z = a * x;
    (x.dot(&z), (z + a.tr_mul(x), x * x.transpose()))
}
