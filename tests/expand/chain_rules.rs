//! P42 to P46: the chain rules.

use nalgrad::gradient;

#[gradient]
pub fn p42(x: f64) -> f64 {
    x.powi(2).sin()
}

#[gradient]
pub fn p42_steps(t: f64) -> f64 {
    let u = t.powi(2);
    let y: f64 = u.sin();
    y
}

#[gradient]
pub fn p42_product(x: f64) -> f64 {
    f64::sin(x * x)
}

#[gradient]
pub fn p43(x: f64) -> f64 {
    x.powi(3).sin().powi(2).ln()
}

#[gradient]
pub fn p43_steps(x: f64) -> f64 {
    let u1 = x.powi(3);
    let u2 = u1.sin();
    let u3 = u2 * u2;
    u3.ln()
}

#[gradient]
pub fn p43_product(x: f64) -> f64 {
    let u = x * x * x;
    (u.sin() * u.sin()).ln()
}

#[gradient]
pub fn p43_twice(t: f64) -> f64 {
    2.0 * t.powi(3).sin().ln()
}

#[gradient]
pub fn p44(x: f64) -> f64 {
    x + x.powi(2)
}

#[gradient]
pub fn p44_factored(x: f64) -> f64 {
    x * (1.0 + x)
}

#[gradient]
pub fn p45(x: f64) -> f64 {
    (x + x.powi(2)).sin()
}

#[gradient]
pub fn p45_steps(x: f64) -> f64 {
    let u1 = x.powi(2);
    let u2 = x + u1;
    u2.sin()
}

#[gradient]
pub fn p45_product(s: f64) -> f64 {
    (s * s + s).sin()
}

#[gradient]
pub fn p46(x: f64) -> f64 {
    let u = x.powi(2);
    x * u
}

#[gradient]
pub fn p46_powers(x: f64) -> f64 {
    x.powi(5) / x.powi(2)
}
