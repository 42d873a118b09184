use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = x;
    let mut rest = 1..4;
    while let Some(n) = rest.next() {
        y *= f64::from(n);
    }
    y
}

fn main() {}
