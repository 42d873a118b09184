use nalgebra::Vector3;
use nalgrad::gradient;

#[derive(Clone, Debug)]
struct State {
    at: f64,
    id: usize,
}

#[gradient]
fn printed(x: &Vector3<f64>) -> f64 {
    let mut states = Vec::new();
    for i in 0..3 {
        states.push(State { at: x[i], id: i });
    }
    println!("{states:?}");
    states[0].at
}

#[gradient]
fn shortened(x: &Vector3<f64>) -> f64 {
    let mut states = Vec::new();
    for i in 0..3 {
        states.push(State { at: x[i], id: i });
    }
    states.pop();
    states[0].at
}

#[gradient]
fn placed(x: &Vector3<f64>) -> f64 {
    fn next(k: &mut usize) -> usize {
        *k += 1;
        *k - 1
    }
    let mut pairs = vec![(x[0], x[1]); 3];
    let mut k = 0;
    pairs[next(&mut k)] = (x[2], 1.0);
    pairs[0].0
}

fn main() {}
