use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y;
    if x > 0.0 {
        y = x * x;
    } else {
        y = -x;
    }
    y.exp()
}

fn main() {}
