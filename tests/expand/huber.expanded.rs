pub fn huber_gradient(residual: f64, width: f64) -> f64 {
    let size = residual.abs();
    if size <= width { residual } else { width * ::nalgrad::__private::sign(residual) }
}

pub fn huber_value_and_gradient(residual: f64, width: f64) -> (f64, f64) {
    let size = residual.abs();
    if size <= width {
        (0.5 * residual * residual, residual)
    } else {
        (width * (size - 0.5 * width), width * ::nalgrad::__private::sign(residual))
    }
}
