pub fn roughness_gradient(heights: &DVector<f64>) -> DVector<f64> {
    assert!(heights.len() > 1, "nothing to compare");
    let n = heights.len() - 1;
    let t = heights.rows(1, n);
    let t_1 = heights.rows(0, n);
    let n_1 = n as f64;
    let mut heights_bar = ::nalgrad::nalgebra::DVector::<f64>::zeros(heights.len());
    heights_bar
        .rows_mut(0, n)
        .zip_zip_apply(&t, &t_1, |entry, t, t_1| *entry += -2.0 / n_1 * (t - t_1));
    heights_bar
        .rows_mut(1, n)
        .zip_zip_apply(&t, &t_1, |entry, t, t_1| *entry += 2.0 * (t - t_1) / n_1);
    heights_bar
}

pub fn roughness_value_and_gradient(heights: &DVector<f64>) -> (f64, DVector<f64>) {
    assert!(heights.len() > 1, "nothing to compare");
    let n = heights.len() - 1;
    let t = heights.rows(1, n);
    let t_1 = heights.rows(0, n);
    let steps = t - t_1;
    let n_1 = n as f64;
    let mut heights_bar = ::nalgrad::nalgebra::DVector::<f64>::zeros(heights.len());
    heights_bar
        .rows_mut(0, n)
        .zip_apply(&steps, |entry, steps| *entry += -2.0 / n_1 * steps);
    heights_bar
        .rows_mut(1, n)
        .zip_apply(&steps, |entry, steps| *entry += 2.0 * steps / n_1);
    (steps.norm_squared() / n_1, heights_bar)
}
