pub fn p33_jacobian(
    x: &Vector4<f64>,
    z: f64,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::identity()
}

pub fn p34_jacobian(
    x: &Vector4<f64>,
    z: f64,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 1> {
    ::nalgrad::nalgebra::Vector4::<f64>::from_element(1.0)
}

pub fn p35_jacobian(
    x: &Vector4<f64>,
    z: f64,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::from_diagonal_element(z)
}

pub fn p36_jacobian(
    x: &Vector4<f64>,
    z: f64,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 1> {
    x.clone_owned()
}

pub fn p68_jacobian(
    x: &Vector4<f64>,
    z: f64,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 1> {
    ::nalgrad::nalgebra::Vector4::<f64>::from_element(-1.0)
}

pub fn p69_jacobian(
    x: &Vector4<f64>,
    z: f64,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 1> {
    -(x / (z * z))
}

pub fn p70_jacobian(
    x: &Vector4<f64>,
    z: f64,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::from_diagonal(&x.map(|x| -z / (x * x)))
}
