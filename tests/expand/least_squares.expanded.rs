pub fn p82_gradient(
    a: &DMatrix<f64>,
    x: &DVector<f64>,
    b: &DVector<f64>,
) -> (DVector<f64>, DMatrix<f64>, DVector<f64>) {
    let t = a * x - b;
    (a.tr_mul(&t) * 2.0, &t * x.transpose() * 2.0, t * -2.0)
}

pub fn p82_value_and_gradient(
    a: &DMatrix<f64>,
    x: &DVector<f64>,
    b: &DVector<f64>,
) -> (f64, (DVector<f64>, DMatrix<f64>, DVector<f64>)) {
    let t = a * x - b;
    (t.norm_squared(), (a.tr_mul(&t) * 2.0, &t * x.transpose() * 2.0, t * -2.0))
}
