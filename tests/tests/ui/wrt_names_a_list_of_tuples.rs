use nalgrad::gradient;

#[gradient(wrt(samples))]
fn f(samples: &[(f64, f64)]) -> f64 {
    samples[0].0 * samples[0].1
}

fn main() {}
