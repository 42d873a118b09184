pub fn p24_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::from_diagonal(x)
}

pub fn p25_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::from_diagonal(w)
}

pub fn p26_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::from_diagonal(&x.map(|x| 1.0 / x))
}

pub fn p27_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<
        f64,
    >::from_diagonal(&w.zip_map(x, |w, x| -w / (x * x)))
}

pub fn p28_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<
        f64,
    >::from_diagonal(&x.zip_map(w, |x, w| x.exp() * w.cos()))
}

pub fn p29_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<
        f64,
    >::from_diagonal(&w.zip_map(x, |w, x| w.sin() * x.exp()))
}
