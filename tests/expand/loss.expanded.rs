pub fn p63_gradient(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> DVector<f64> {
    let n = y.len() as f64;
    let mut z_bar = x * w;
    z_bar
        .zip_apply(
            y,
            |entry, y| {
                let s = *entry + b;
                *entry = if s > 0.0 { -2.0 / n * (y - s) } else { 0.0 };
            },
        );
    x.tr_mul(&z_bar)
}

pub fn p64_gradient(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> f64 {
    let n = y.len() as f64;
    let mut z_bar = x * w;
    z_bar
        .zip_apply(
            y,
            |entry, y| {
                let s = *entry + b;
                *entry = if s > 0.0 { -2.0 / n * (y - s) } else { 0.0 };
            },
        );
    ::nalgrad::__private::sum(&z_bar)
}

pub fn p66_gradient(
    what: &DVector<f64>,
    xhat: &DMatrix<f64>,
    y: &DVector<f64>,
) -> DVector<f64> {
    let n = y.len() as f64;
    let mut z_bar = xhat * what;
    z_bar
        .zip_apply(
            y,
            |entry, y| *entry = if *entry > 0.0 { -2.0 / n * (y - *entry) } else { 0.0 },
        );
    xhat.tr_mul(&z_bar)
}
