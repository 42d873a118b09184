pub fn p1_gradient(_x: f64) -> f64 {
    0.0
}

pub fn p2_gradient(x: f64) -> f64 {
    3.0
}

pub fn p3_gradient(x: f64) -> f64 {
    3.0 * x * x
}

pub fn p4_gradient(x: f64) -> f64 {
    3.0 + 2.0 * x
}

pub fn p5_gradient(x: f64) -> f64 {
    2.0 * x - 3.0
}

pub fn p6_gradient(x: f64) -> f64 {
    3.0 * x * x
}

pub fn p7_gradient(x: f64) -> f64 {
    2.0 / x
}

pub fn p8_gradient(x: f64) -> f64 {
    9.0 + 18.0 * x
}
