use nalgrad::gradient;

fn seen(x: &f64) -> f64 {
    *x
}

#[gradient]
fn cost(x: f64, n: u32) -> f64 {
    match n {
        0 => x,
        _ => panic!("{}", { let y = seen(&x); y }),
    }
}

fn main() {}
