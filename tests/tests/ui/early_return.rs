use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    if x < 0.0 {
        return x.exp();
    }
    x * x
}

fn main() {}
