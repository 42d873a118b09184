use nalgrad::gradient;

#[gradient]
fn cost(x: f64, flag: bool) -> f64 {
    let mut y = 1.0;
    let both = flag && {
        y = x * x;
        true
    };
    if both { y } else { y + x }
}

fn main() {}
