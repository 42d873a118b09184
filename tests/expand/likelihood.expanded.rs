pub fn likelihood_gradient(
    x: &DVector<f64>,
    mean: &DVector<f64>,
    sigma: &DVector<f64>,
) -> (DVector<f64>, DVector<f64>) {
    (
        x.zip_zip_map(mean, sigma, |x, mean, sigma| -(x - mean) / (sigma * sigma)),
        x
            .zip_zip_map(
                mean,
                sigma,
                |x, mean, sigma| {
                    let d = x - mean;
                    (1.0 - d * d / (sigma * sigma)) / sigma
                },
            ),
    )
}

pub fn likelihood_value_and_gradient(
    x: &DVector<f64>,
    mean: &DVector<f64>,
    sigma: &DVector<f64>,
) -> (f64, (DVector<f64>, DVector<f64>)) {
    (
        x
            .zip_zip_map(
                mean,
                sigma,
                |x, mean, sigma| ((x - mean) / sigma).powi(2) / 2.0 + sigma.ln(),
            )
            .sum(),
        (
            x.zip_zip_map(mean, sigma, |x, mean, sigma| -(x - mean) / (sigma * sigma)),
            x
                .zip_zip_map(
                    mean,
                    sigma,
                    |x, mean, sigma| {
                        let d = x - mean;
                        (1.0 - d * d / (sigma * sigma)) / sigma
                    },
                ),
        ),
    )
}
