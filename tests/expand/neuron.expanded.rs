pub fn p51_gradient(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.clone_owned()
}

pub fn p52_gradient(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.clone_owned()
}

pub fn p53_gradient(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.clone_owned()
}

pub fn p54_gradient(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> Vector4<f64> {
    x.clone_owned()
}

pub fn p55_gradient(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    1.0
}

pub fn p56_gradient(z: f64) -> f64 {
    if z > 0.0 { 1.0 } else { 0.0 }
}

pub fn p57_gradient(z: f64) -> f64 {
    if z <= 0.0 { 0.0 } else { 1.0 }
}

pub fn p59_gradient(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> Vector4<f64> {
    if w.dot(x) + b > 0.0 {
        x.clone_owned()
    } else {
        ::nalgrad::nalgebra::Vector4::<f64>::zeros()
    }
}

pub fn p60_gradient(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    if w.dot(x) + b > 0.0 { 1.0 } else { 0.0 }
}
