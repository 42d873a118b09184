use nalgrad::gradient;

trait Softplus {
    fn softplus(self) -> f64;
}

impl Softplus for f64 {
    fn softplus(self) -> f64 {
        self.exp().ln_1p()
    }
}

#[gradient]
fn cost(x: f64) -> f64 {
    x.softplus() * x
}

fn main() {}
