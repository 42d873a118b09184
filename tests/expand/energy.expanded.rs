pub fn energy_gradient(
    a: &DMatrix<f64>,
    m: &DVector<f64>,
    x: &DMatrix<f64>,
) -> DVector<f64> {
    let mut y_sum = ::nalgrad::nalgebra::DVector::<f64>::zeros(a.nrows());
    let mut y_1 = ::nalgrad::nalgebra::DVector::<f64>::zeros(0);
    let mut t = ::nalgrad::nalgebra::DVector::<f64>::zeros(0);
    for i in (0..x.ncols()).rev() {
        ::nalgrad::__private::copy_into(&mut t, &x.column(i));
        t -= m;
        ::nalgrad::__private::mul_into(&mut y_1, a, &t);
        y_sum -= &y_1;
    }
    ::core::assert_eq!(m.shape(), (a.ncols(), 1));
    a.tr_mul(&y_sum)
}

pub fn energy_value_and_gradient(
    a: &DMatrix<f64>,
    m: &DVector<f64>,
    x: &DMatrix<f64>,
) -> (f64, DVector<f64>) {
    let mut total = 0.0;
    let mut y_sum = ::nalgrad::nalgebra::DVector::<f64>::zeros(a.nrows());
    let mut y_1 = ::nalgrad::nalgebra::DVector::<f64>::zeros(0);
    let mut t = ::nalgrad::nalgebra::DVector::<f64>::zeros(0);
    for i in 0..x.ncols() {
        ::nalgrad::__private::copy_into(&mut t, &x.column(i));
        t -= m;
        ::nalgrad::__private::mul_into(&mut y_1, a, &t);
        y_sum -= &y_1;
        total += 0.5 * y_1.norm_squared();
    }
    ::core::assert_eq!(m.shape(), (a.ncols(), 1));
    (total, a.tr_mul(&y_sum))
}
