use nalgrad::{gradient, jvp};

#[jvp(wrt(x))]
#[gradient]
#[nalgrad::jvp(wrt(x))]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
