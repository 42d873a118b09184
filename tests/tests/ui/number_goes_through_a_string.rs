use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let y: f64 = format!("{x}").parse().unwrap();
    y * y
}

fn main() {}
