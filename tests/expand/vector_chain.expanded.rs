pub fn p48_jacobian(x: f64) -> ::nalgrad::nalgebra::SMatrix<f64, 2, 1> {
    ::nalgrad::nalgebra::Vector2::<f64>::new(2.0 / x, 3.0 * (3.0 * x).cos())
}

pub fn p49_jacobian(
    x: &Vector4<f64>,
    a: &Matrix3x4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 3, 4> {
    let g = a * x;
    let t = g[0];
    let t_1 = g.map(|g| t * g.cos());
    a.map_with_location(|i, _, entry| t_1[i] * entry) + g.map(|g| g.sin()) * a.row(0)
}

pub fn p50_jacobian(x: &Vector4<f64>) -> ::nalgrad::nalgebra::SMatrix<f64, 4, 4> {
    ::nalgrad::nalgebra::Matrix4::<
        f64,
    >::from_diagonal(
        &x
            .map(|x| {
                let y = x.powi(3).tanh();
                3.0 * x * x * (1.0 - y) * (1.0 + y)
            }),
    )
}

pub fn p76_jacobian(x: f64) -> ::nalgrad::nalgebra::SMatrix<f64, 3, 1> {
    let u = x.powi(2);
    ::nalgrad::nalgebra::Vector3::<
        f64,
    >::new(2.0 * x * u.cos(), 2.0 * x * u.exp(), 6.0 * x.powi(5))
}

pub fn p77_jacobian(
    x: f64,
    a: &Matrix3x2<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 3, 1> {
    let u = ::nalgrad::nalgebra::Vector2::<f64>::new(x.sin(), x.powi(3));
    (a * u)
        .zip_map(
            &(a * ::nalgrad::nalgebra::Vector2::<f64>::new(x.cos(), 3.0 * x * x)),
            |u_1, v_1| {
                let y = u_1.tanh();
                (1.0 - y) * (1.0 + y) * v_1
            },
        )
}

pub fn p78_jacobian(
    x: &Vector4<f64>,
    a: &Matrix3x2<f64>,
    b: &Matrix2x4<f64>,
) -> ::nalgrad::nalgebra::SMatrix<f64, 3, 4> {
    let cos = (b * x).map(|u_1| u_1.cos());
    a.map_with_location(|_, j, entry| cos[j] * entry) * b
}
