//! What would happen twice.

use nalgrad::gradient;

#[gradient(checkpoint)]
fn decay(x: f64, n: usize, log: &mut Vec<usize>) -> f64 {
    let mut x = x;
    for k in 0..n {
        log.push(k);
        x -= 0.1 * x.sin();
    }
    x
}

#[gradient(wrt(x), checkpoint)]
fn driven(x: f64, forces: &[f64]) -> f64 {
    let mut x = x;
    let mut count = 0;
    for k in 0..forces.len() {
        let force = forces[k];
        assert!(force > 0.0);
        for _ in 0..2 {
            count += 1;
        }
        x -= 0.1 * (x * force).sin() / f64::from(count);
    }
    x
}

#[gradient(checkpoint)]
fn printed(x: f64) -> f64 {
    let mut x = x;
    for k in 0..10 {
        println!("{k}");
        x -= 0.1 * x.sin();
    }
    x
}

fn main() {}
