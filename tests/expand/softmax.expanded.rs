pub fn softmax_gradient(
    w: &DMatrix<f64>,
    x: &DMatrix<f64>,
    labels: &DMatrix<f64>,
) -> DMatrix<f64> {
    let logits = w * x;
    let mut exp = logits;
    exp.apply(|logits| *logits = (*logits).exp());
    let mut t = exp.row_sum();
    t.apply(|entry| *entry = 1.0 / *entry);
    let mut logits_bar = ::nalgrad::nalgebra::DMatrix::<
        f64,
    >::from_fn(w.nrows(), x.ncols(), |_, j| t[j]);
    logits_bar
        .zip_zip_apply(
            &exp,
            labels,
            |entry, exp, labels| *entry = *entry * exp - labels,
        );
    ::nalgrad::__private::mul_tr(&logits_bar, x)
}

pub fn softmax_value_and_gradient(
    w: &DMatrix<f64>,
    x: &DMatrix<f64>,
    labels: &DMatrix<f64>,
) -> (f64, DMatrix<f64>) {
    let logits = w * x;
    let exp = logits.map(|logits| logits.exp());
    let total = exp.row_sum();
    let t = total.map(|total| 1.0 / total);
    let mut logits_bar = ::nalgrad::nalgebra::DMatrix::<
        f64,
    >::from_fn(w.nrows(), x.ncols(), |_, j| t[j]);
    logits_bar
        .zip_zip_apply(
            &exp,
            labels,
            |entry, exp, labels| *entry = *entry * exp - labels,
        );
    (
        total.fold(0.0, |sum, total| sum + total.ln()) - logits.dot(labels),
        ::nalgrad::__private::mul_tr(&logits_bar, x),
    )
}
