use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let (mut a, mut b) = (x, x * x);
    std::mem::swap(&mut a, &mut b);
    a.sin() + b
}

fn main() {}
