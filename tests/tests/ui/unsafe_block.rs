use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y = unsafe { *(&raw const x) };
    y * y
}

fn main() {}
