use nalgrad::gradient;

#[gradient]
fn cost(x: f64) -> f64 {
    fn square<T: Copy + std::ops::Mul<Output = T>>(x: T) -> T {
        x * x
    }
    square(x)
}

fn main() {}
