use nalgrad::gradient;

mod special {
    pub fn softplus(x: f64) -> f64 {
        x.exp().ln_1p()
    }
}

#[gradient]
fn cost(x: f64) -> f64 {
    special::softplus(x)
}

fn main() {}
