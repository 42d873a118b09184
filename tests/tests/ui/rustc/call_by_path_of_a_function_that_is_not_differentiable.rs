use nalgrad::gradient;

mod other {
    pub fn square(x: f64) -> f64 {
        x * x
    }
}

#[gradient]
fn cost(x: f64) -> f64 {
    other::square(x) * x
}

fn main() {}
