pub fn row_p13_jacobian(x: &Vector2<f64>) -> ::nalgrad::nalgebra::SMatrix<f64, 1, 2> {
    ::nalgrad::nalgebra::RowVector2::<f64>::new(6.0 * x[1] * x[0], 3.0 * x[0].powi(2))
}

pub fn row_p38_jacobian(x: &Vector4<f64>) -> ::nalgrad::nalgebra::SMatrix<f64, 1, 4> {
    ::nalgrad::nalgebra::RowVector4::<f64>::from_element(1.0)
}

pub fn row_p39_jacobian(x: &DVector<f64>, z: f64) -> ::nalgrad::nalgebra::DMatrix<f64> {
    ::nalgrad::nalgebra::DMatrix::<f64>::from_element(1, x.len(), z)
}

pub fn row_p51_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 1, 4> {
    x.transpose()
}

pub fn row_p51_dynamic_jacobian(
    w: &DVector<f64>,
    x: &DVector<f64>,
) -> ::nalgrad::nalgebra::DMatrix<f64> {
    ::nalgrad::nalgebra::DMatrix::<f64>::from_column_slice(1, w.len(), x.as_slice())
}

pub fn row_p53_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 1, 4> {
    x.transpose()
}

pub fn row_p72_jacobian(x: &DVector<f64>) -> ::nalgrad::nalgebra::DMatrix<f64> {
    ::nalgrad::nalgebra::DMatrix::<f64>::from_element(1, x.len(), 1.0 / x.len() as f64)
}

pub fn row_square_jacobian(x: &Vector4<f64>) -> ::nalgrad::nalgebra::SMatrix<f64, 1, 4> {
    x.transpose() * 2.0
}

pub fn row_square_dynamic_jacobian(
    x: &DVector<f64>,
) -> ::nalgrad::nalgebra::DMatrix<f64> {
    (x * 2.0)
        .reshape_generic(::nalgrad::nalgebra::Dyn(1), ::nalgrad::nalgebra::Dyn(x.len()))
}
