pub fn gaussian_gradient(
    x: &DVector<f64>,
    mean: &DVector<f64>,
    covariance: &DMatrix<f64>,
) -> (DVector<f64>, DMatrix<f64>) {
    let factor = covariance
        .clone_owned()
        .cholesky()
        .expect("a covariance is positive definite");
    let centred = x - mean;
    let mean_bar = factor.solve(&centred);
    let mut t = &mean_bar * mean_bar.transpose();
    t.zip_apply(&factor.inverse(), |entry, v| *entry = 0.5 * *entry - 0.5 * v);
    (mean_bar, ::nalgrad::__private::fold_lower(&t))
}

pub fn gaussian_value_and_gradient(
    x: &DVector<f64>,
    mean: &DVector<f64>,
    covariance: &DMatrix<f64>,
) -> (f64, (DVector<f64>, DMatrix<f64>)) {
    let factor = covariance
        .clone_owned()
        .cholesky()
        .expect("a covariance is positive definite");
    let centred = x - mean;
    let mean_bar = factor.solve(&centred);
    let mut t = &mean_bar * mean_bar.transpose();
    t.zip_apply(&factor.inverse(), |entry, v| *entry = 0.5 * *entry - 0.5 * v);
    (
        -0.5 * (centred.dot(&mean_bar) + factor.ln_determinant()),
        (mean_bar, ::nalgrad::__private::fold_lower(&t)),
    )
}
