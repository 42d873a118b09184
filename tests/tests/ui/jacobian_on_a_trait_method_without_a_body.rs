use nalgrad::jacobian;

trait Energy {
    #[jacobian(wrt(x))]
    fn energy(&self, x: f64) -> f64;
}

fn main() {}
