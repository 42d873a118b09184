use nalgebra::Vector3;
use nalgrad::gradient;

struct Parts {
    a: f64,
    b: f64,
}

impl Parts {
    fn product(&self) -> f64 {
        self.a * self.b
    }
}

#[gradient]
fn cost(x: &Vector3<f64>) -> f64 {
    let parts = Parts { a: x[0] * x[1], b: x[2] };
    parts.product()
}

fn main() {}
