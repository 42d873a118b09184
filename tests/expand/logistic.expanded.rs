pub fn p87_gradient(
    w: &DVector<f64>,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> DVector<f64> {
    let mut z_bar = x * w;
    z_bar.zip_apply(y, |entry, y| *entry = -y / (1.0 + (y * *entry).exp()));
    x.tr_mul(&z_bar)
}

pub fn p87_value_and_gradient(
    w: &DVector<f64>,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (f64, DVector<f64>) {
    let mut exp = x * w;
    exp.zip_apply(y, |entry, y| *entry = (-y * *entry).exp());
    (
        exp.fold(0.0, |sum, exp| sum + (1.0 + exp).ln()),
        x.tr_mul(&y.zip_map(&exp, |y, exp| -y / (1.0 + 1.0 / exp))),
    )
}
