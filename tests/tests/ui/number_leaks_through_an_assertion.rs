use nalgrad::gradient;
use std::cell::Cell;

fn store(cell: &Cell<f64>, value: f64) -> bool {
    cell.set(value);
    true
}

#[gradient]
fn cost(x: f64) -> f64 {
    let cell = Cell::new(0.0);
    assert!(store(&cell, x));
    cell.get() * x
}

fn main() {}
