use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let same = [x; 3];
    same[0] * same[1]
}

fn main() {}
