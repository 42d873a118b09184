use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let cell = std::cell::Cell::new(1.0);
    cell.set(x);
    cell.get() * x
}

fn main() {}
