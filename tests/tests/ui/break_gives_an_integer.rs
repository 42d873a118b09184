use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut y = x;
    let mut steps = 0;
    let count = loop {
        y = y.sqrt();
        steps += 1;
        if y < 2.0 {
            break steps;
        }
    };
    y * f64::from(count)
}

fn main() {}
