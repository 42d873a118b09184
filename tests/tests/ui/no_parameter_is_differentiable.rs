use nalgrad::gradient;

#[gradient]
fn cost(n: usize, name: &str) -> f64 {
    (n + name.len()) as f64
}

fn main() {}
