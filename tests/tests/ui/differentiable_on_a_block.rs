use nalgrad::{differentiable, gradient};

trait Potential {
    fn energy(&self, x: f64) -> f64;
}

trait Of<T> {
    fn at(&self, x: f64) -> f64;
}

struct Spring;

#[differentiable]
impl Potential for f64 {
    #[gradient(wrt(x))]
    fn energy(&self, x: f64) -> f64 {
        self * x
    }
}

#[differentiable]
impl<P: Copy> Of<u32> for P {
    #[gradient(wrt(x))]
    fn at(&self, x: f64) -> f64 {
        x * x
    }
}

#[differentiable]
impl<T: Clone> Of<(T, T)> for Spring {
    #[gradient(wrt(x))]
    fn at(&self, x: f64) -> f64 {
        x * x
    }
}

#[differentiable(order = 1)]
impl Of<u8> for Spring {
    #[gradient(wrt(x))]
    fn at(&self, x: f64) -> f64 {
        x * x
    }
}

#[differentiable]
trait Empty {
    fn value(x: f64) -> f64 {
        x
    }
}

#[differentiable]
impl Of<u16> for Spring {
    #[gradient(wrt(x))]
    fn at(&self, x: f64) -> f64 {
        x.next_up()
    }
}

fn main() {}
