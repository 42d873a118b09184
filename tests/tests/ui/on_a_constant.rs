use nalgrad::gradient;

#[gradient]
const SCALE: f64 = 2.0;

fn main() {}
