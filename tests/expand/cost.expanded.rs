#[allow(unused, clippy::all, clippy::pedantic, clippy::nursery)]
pub fn cost_gradient(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (DVector<f64>, f64) {
    ::nalgrad::__private::same::<DVector<f64>, ::nalgrad::nalgebra::DVector<f64>>();
    ::nalgrad::__private::same::<DMatrix<f64>, ::nalgrad::nalgebra::DMatrix<f64>>();
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
    (x.tr_mul(&z_bar), ::nalgrad::__private::sum(&z_bar))
}

#[allow(unused, clippy::all, clippy::pedantic, clippy::nursery)]
pub fn cost_value_and_gradient(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (f64, (DVector<f64>, f64)) {
    let z_1 = x * w;
    let t = y.zip_map(&z_1, |y, z_1| y - (z_1 + b).max(0.0));
    let n = y.len() as f64;
    let mut z_bar = z_1;
    z_bar.zip_apply(&t, |z_1, t| *z_1 = if *z_1 + b > 0.0 { -2.0 / n * t } else { 0.0 });
    (t.norm_squared() / n, (x.tr_mul(&z_bar), ::nalgrad::__private::sum(&z_bar)))
}
