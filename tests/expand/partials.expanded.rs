pub fn p9_gradient(x: f64, y: f64) -> f64 {
    y
}

pub fn p10_gradient(x: f64, y: f64) -> f64 {
    x
}

pub fn p11_gradient(x: f64, y: f64) -> f64 {
    6.0 * y * x
}

pub fn p12_gradient(x: f64, y: f64) -> f64 {
    3.0 * x.powi(2)
}

pub fn p13_gradient(x: &Vector2<f64>) -> Vector2<f64> {
    ::nalgrad::nalgebra::Vector2::<f64>::new(6.0 * x[1] * x[0], 3.0 * x[0].powi(2))
}

pub fn p14_gradient(x: f64, y: f64) -> f64 {
    2.0
}

pub fn p15_gradient(x: f64, y: f64) -> f64 {
    8.0 * y.powi(7)
}

pub fn p16_gradient(x: &Vector2<f64>) -> Vector2<f64> {
    ::nalgrad::nalgebra::Vector2::<f64>::new(2.0, 8.0 * x[1].powi(7))
}

pub fn p17_jacobian(x: &Vector2<f64>) -> ::nalgrad::nalgebra::SMatrix<f64, 2, 2> {
    ::nalgrad::nalgebra::Matrix2::<
        f64,
    >::new(6.0 * x[0] * x[1], 3.0 * x[0].powi(2), 2.0, 8.0 * x[1].powi(7))
}
