pub fn p83_gradient(x: &DMatrix<f64>) -> DMatrix<f64> {
    ::nalgrad::__private::inverse_transpose(x)
}

pub fn p83_value_and_gradient(x: &DMatrix<f64>) -> (f64, DMatrix<f64>) {
    (x.determinant().ln(), ::nalgrad::__private::inverse_transpose(x))
}
