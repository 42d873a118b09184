pub fn p32_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<f64>::zeros()
}

pub fn p58_jacobian(x: &Vector4<f64>) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<
        f64,
    >::from_diagonal(&x.map(|x| if x > 0.0 { 1.0 } else { 0.0 }))
}

pub fn p71_jacobian(
    w: &Vector4<f64>,
    x: &Vector4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<
        f64,
    >::from_diagonal(
        &x.zip_map(w, |x, w| if !(x <= w) { 1.0 } else if w == x { 0.5 } else { 0.0 }),
    )
}
