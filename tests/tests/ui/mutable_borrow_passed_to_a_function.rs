use nalgrad::gradient;

fn double(y: &mut f64) {
    *y *= 2.0;
}

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = x;
    double(&mut y);
    y * y
}

fn main() {}
