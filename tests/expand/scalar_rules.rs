//! P1 to P8: the paper's review of scalar rules.

use nalgrad::gradient;

#[gradient(wrt(_x))]
pub fn p1(_x: f64) -> f64 {
    99.0
}

#[gradient]
pub fn p1_times_zero(x: f64) -> f64 {
    99.0 + x * 0.0
}

#[gradient]
pub fn p2(x: f64) -> f64 {
    3.0 * x
}

#[gradient]
pub fn p2_sum(t: f64) -> f64 {
    t + t + t
}

#[gradient]
pub fn p3(x: f64) -> f64 {
    x.powi(3)
}

#[gradient]
pub fn p3_product(t: f64) -> f64 {
    t * t * t
}

#[gradient]
pub fn p3_steps(x: f64) -> f64 {
    let square = x * x;
    x * square
}

#[gradient]
pub fn p3_powf(x: f64) -> f64 {
    f64::powf(x, 3.0)
}

#[gradient]
pub fn p4(x: f64) -> f64 {
    x.powi(2) + 3.0 * x
}

#[gradient]
pub fn p4_reordered(a: f64) -> f64 {
    a * 3.0 + a * a
}

#[gradient]
pub fn p4_factored(x: f64) -> f64 {
    (x + 3.0) * x
}

#[gradient]
pub fn p5(x: f64) -> f64 {
    x.powi(2) - 3.0 * x
}

#[gradient]
pub fn p5_negated(x: f64) -> f64 {
    -(x * 3.0) + x * x
}

#[gradient]
pub fn p6(x: f64) -> f64 {
    x.powi(2) * x
}

#[gradient]
pub fn p6_reordered(t: f64) -> f64 {
    t * (t * t)
}

#[gradient]
pub fn p7(x: f64) -> f64 {
    x.powi(2).ln()
}

#[gradient]
pub fn p7_product(v: f64) -> f64 {
    f64::ln(v * v)
}

#[gradient]
pub fn p8(x: f64) -> f64 {
    9.0 * (x + x.powi(2))
}

#[gradient]
pub fn p8_reordered(x: f64) -> f64 {
    let inner = x * x + x;
    inner * 9.0
}

#[gradient]
pub fn p8_expanded(x: f64) -> f64 {
    9.0 * x.powi(2) + 9.0 * x
}
