use nalgrad::gradient;

#[gradient(wrt(self, x))]
fn energy(x: f64) -> f64 {
    x * x
}

fn main() {}
