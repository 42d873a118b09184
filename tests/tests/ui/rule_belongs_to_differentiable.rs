use nalgrad::vjp;

#[vjp(vjp = square_rule)]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
