pub fn p79_gradient(a: &DMatrix<f64>, x: &DMatrix<f64>) -> DMatrix<f64> {
    ::core::assert_eq!(x.shape(), (a.ncols(), a.nrows()));
    a.transpose()
}

pub fn p80_gradient(x: &DMatrix<f64>, a: &DMatrix<f64>) -> DMatrix<f64> {
    (x * a + a * x).transpose()
}

pub fn p84_gradient(x: &DMatrix<f64>, a: &DMatrix<f64>) -> DMatrix<f64> {
    let inverse = x.clone_owned().try_inverse().unwrap();
    (&inverse * a * &inverse).transpose() * -1.0
}
