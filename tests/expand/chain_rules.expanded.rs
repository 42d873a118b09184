pub fn p42_gradient(x: f64) -> f64 {
    2.0 * x * x.powi(2).cos()
}

pub fn p43_gradient(x: f64) -> f64 {
    let t = x.powi(3);
    6.0 * x * x * t.cos() / t.sin()
}

pub fn p44_gradient(x: f64) -> f64 {
    1.0 + 2.0 * x
}

pub fn p45_gradient(x: f64) -> f64 {
    (x + x.powi(2)).cos() * (1.0 + 2.0 * x)
}

pub fn p46_gradient(x: f64) -> f64 {
    3.0 * x * x
}
