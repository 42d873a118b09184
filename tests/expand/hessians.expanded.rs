pub fn p85_hessian(
    x: &DVector<f64>,
    a: &DMatrix<f64>,
) -> ::nalgrad::nalgebra::DMatrix<f64> {
    ::core::assert_eq!(x.len(), a.ncols());
    ::core::assert_eq!(x.len(), a.nrows());
    a + a.transpose()
}

pub fn p86_hessian(
    x: &DVector<f64>,
    a: &DMatrix<f64>,
    b: &DVector<f64>,
) -> ::nalgrad::nalgebra::DMatrix<f64> {
    let mut hessian = ::nalgrad::__private::tr_mul(a, a) * 2.0;
    hessian.fill_upper_triangle_with_lower_triangle();
    ::core::assert_eq!(x.len(), a.ncols());
    hessian
}
