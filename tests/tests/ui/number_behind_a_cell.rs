use nalgebra::Vector3;
use nalgrad::gradient;

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let cell = std::cell::RefCell::new(1.0);
    *cell.borrow_mut() = x[0] * x[1];
    let last: f64 = *cell.borrow();
    last * x[2]
}

fn main() {}
