use nalgrad::gradient;

#[gradient(checkpoint)]
fn cost(x: &[f64]) -> f64 {
    let mut best: Option<f64> = None;
    let mut state = 0.5;
    for i in 0..x.len() {
        state = f64::sin(state * x[i]);
        if state > 0.1 {
            best = Some(state);
        }
    }
    best.unwrap_or(0.0) + state
}

fn main() {}
