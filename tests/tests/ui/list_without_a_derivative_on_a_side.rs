use nalgrad::gradient;

fn defaults() -> Vec<f64> {
    vec![1.0, 2.0]
}

#[gradient]
fn cost(x: &[f64]) -> f64 {
    let list = if x[0] > 0.0 { defaults() } else { vec![x[0], x[1]] };
    list.iter().map(|v| v * v).sum()
}

fn main() {}
