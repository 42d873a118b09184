use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    <f64 as std::ops::Mul>::mul(x, x)
}

fn main() {}
