use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let later = async { x * x };
    drop(later);
    x * x
}

fn main() {}
