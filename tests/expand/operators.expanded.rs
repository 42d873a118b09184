pub fn p19_jacobian(x: &Vector4<f64>) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::identity()
}

pub fn p20_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::identity()
}

pub fn p21_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::identity()
}

pub fn p22_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::identity()
}

pub fn p23_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::from_diagonal_element(-1.0)
}
