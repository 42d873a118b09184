use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut total = x;
    let mut add = |y: f64| total += y;
    add(x * x);
    total
}

fn main() {}
