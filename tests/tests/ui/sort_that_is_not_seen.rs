use nalgrad::gradient;
use std::cell::Cell;

#[gradient]
fn by_what_is_kept(x: &[f64]) -> f64 {
    let mut list = x.to_vec();
    let last = Cell::new(0.0);
    list.sort_by(|a, b| {
        last.set(*a);
        a.total_cmp(b)
    });
    list[0] * last.get()
}

#[gradient]
fn without_the_same(x: &[f64]) -> f64 {
    let mut list = x.to_vec();
    list.dedup();
    list[0] * list[1]
}

fn main() {}
