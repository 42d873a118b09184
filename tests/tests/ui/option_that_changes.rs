use nalgrad::gradient;

#[gradient]
fn taken_out(x: &[f64]) -> f64 {
    let mut best: Option<f64> = None;
    let mut total = 0.0;
    for c in x {
        best = Some(*c);
        total += best.take().unwrap();
    }
    total
}

#[gradient]
fn changed_inside(x: &[f64]) -> f64 {
    let mut best: Option<f64> = None;
    for c in x {
        match best.as_mut() {
            Some(b) => *b += c,
            None => best = Some(*c),
        }
    }
    best.unwrap_or(0.0)
}

fn main() {}
