use nalgebra::Vector2;
use nalgrad::jvp;

struct State {
    at: Vector2<f64>,
    speed: f64,
}

#[jvp]
fn moved(at: &Vector2<f64>, speed: f64) -> State {
    State { at: at * speed, speed }
}

#[jvp]
fn all_moved(x: &[f64]) -> Vec<State> {
    x.iter().map(|&c| State { at: Vector2::new(c, 1.0), speed: c }).collect()
}

fn main() {}
