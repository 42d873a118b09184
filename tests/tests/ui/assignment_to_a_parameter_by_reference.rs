use nalgrad::gradient;

#[gradient(wrt(x))]
fn cost(x: f64, square: &mut f64) -> f64 {
    *square = x * x;
    x.sin()
}

fn main() {}
