use nalgrad::gradient;

#[gradient]
fn cost(x: &[f64]) -> f64 {
    let mut last = 0.0;
    let signs: Vec<i32> = x
        .iter()
        .map(|v| {
            last = *v;
            if *v > 0.0 { 1 } else { -1 }
        })
        .collect();
    signs[0] as f64 * last
}

fn main() {}
