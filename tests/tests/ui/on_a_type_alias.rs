use nalgrad::gradient;

#[gradient]
type Real = f64;

fn main() {}
