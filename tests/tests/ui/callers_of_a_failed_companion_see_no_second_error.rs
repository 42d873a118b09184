// One error for each of the mistakes, and none in `callers`.

use nalgebra::{DVector, RealField, SVector, Vector3};
use nalgrad::gradient;

#[gradient]
fn cost(x: &DVector<f64>, y: f64) -> f64 {
    f64::from(x[0]) * y
}

struct Model<T> {
    scale: T,
}

impl<T: RealField + Copy> Model<T> {
    #[gradient(wrt(y, x))]
    fn loss<const N: usize>(&self, x: &SVector<T, N>, y: T) -> T {
        let entries: std::collections::VecDeque<T> = x.iter().copied().collect();
        self.scale * entries[0] * y
    }
}

#[gradient(wrt(missing))]
fn other(x: &Vector3<f64>) -> f64 {
    x.norm()
}

fn callers() {
    let x = DVector::from_element(3, 1.0);
    let (dx, dy): (DVector<f64>, f64) = cost_gradient(&x, 2.0);
    let (value, (again, _)): (f64, (DVector<f64>, f64)) = cost_value_and_gradient(&x, 2.0);
    println!("{dx} {dy} {value} {again}");

    let model = Model { scale: 2.0 };
    let (dy, dx): (f64, Vector3<f64>) = model.loss_gradient(&Vector3::zeros(), 1.0);
    println!("{dx} {dy} {}", model.loss(&Vector3::zeros(), 1.0));

    println!("{} {}", cost(&x, 2.0), other(&Vector3::zeros()));
}

fn main() {}
