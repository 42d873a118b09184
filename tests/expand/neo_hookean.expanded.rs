pub fn neo_hookean_gradient(f: &Matrix3<f64>, mu: f64, lambda: f64) -> Matrix3<f64> {
    let ln_j = f.determinant().ln();
    let ln_j_bar = lambda * ln_j - mu;
    f * mu + ::nalgrad::__private::inverse_transpose(f) * ln_j_bar
}

pub fn neo_hookean_value_and_gradient(
    f: &Matrix3<f64>,
    mu: f64,
    lambda: f64,
) -> (f64, Matrix3<f64>) {
    let det = f.determinant();
    let ln_j = det.ln();
    let t = (lambda * ln_j - mu) / det;
    (
        0.5 * mu * (f.tr_mul(f).trace() - 3.0) - mu * ln_j + 0.5 * lambda * ln_j.powi(2),
        f * mu + ::nalgrad::__private::cofactors(f) * t,
    )
}
