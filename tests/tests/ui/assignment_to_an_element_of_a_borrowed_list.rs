use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    let mut list = [1.0, 2.0];
    let [first, _] = &mut list;
    *first = x;
    list[0] * list[1]
}

fn main() {}
