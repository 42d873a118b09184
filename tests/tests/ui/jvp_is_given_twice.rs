use nalgrad::jvp;

#[jvp]
#[jvp]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
