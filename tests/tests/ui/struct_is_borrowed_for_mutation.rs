use nalgebra::Vector2;
use nalgrad::gradient;

struct State {
    at: Vector2<f64>,
    speed: Vector2<f64>,
}

fn advance(state: &mut State) {
    state.at += state.speed;
}

#[gradient]
fn cost(at: &Vector2<f64>, speed: &Vector2<f64>) -> f64 {
    let mut state = State { at: *at, speed: *speed };
    advance(&mut state);
    state.at.norm_squared()
}

fn main() {}
