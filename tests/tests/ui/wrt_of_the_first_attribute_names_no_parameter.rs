use nalgrad::{gradient, hvp, jvp};

#[gradient(wrt(z))]
#[jvp]
#[hvp]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
