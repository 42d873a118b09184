pub fn p38_gradient(x: &Vector4<f64>) -> Vector4<f64> {
    ::nalgrad::nalgebra::Vector4::<f64>::from_element(1.0)
}

pub fn p39_gradient(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    ::nalgrad::nalgebra::Vector4::<f64>::from_element(z)
}

pub fn p40_gradient(x: &Vector4<f64>, z: f64) -> f64 {
    x.sum()
}

pub fn p41_gradient(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    ::nalgrad::nalgebra::Vector4::<f64>::from_element(1.0)
}

pub fn p72_gradient(x: &Vector4<f64>) -> Vector4<f64> {
    ::nalgrad::nalgebra::Vector4::<f64>::from_element(0.25)
}
