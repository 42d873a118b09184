use nalgrad::gradient;

#[gradient]
static SCALE: f64 = 2.0;

fn main() {}
