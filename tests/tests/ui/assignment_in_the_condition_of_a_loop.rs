use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = x;
    let mut n = 0;
    while {
        y *= x;
        n < 3
    } {
        n += 1;
    }
    y
}

fn main() {}
