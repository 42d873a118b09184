use nalgrad::gradient;

/// An integer behind a reference is not followed.
#[gradient]
fn changed_inside(x: &[f64]) -> f64 {
    let mut best: Option<(usize, f64)> = None;
    for c in x {
        match best.as_mut() {
            Some((count, sum)) => {
                *count += 1;
                *sum += c;
            }
            None => best = Some((1, *c)),
        }
    }
    best.map_or(0.0, |(count, sum)| sum / count as f64)
}

fn main() {}
