use nalgrad::gradient;

#[gradient]
trait Potential {
    fn energy(&self, x: f64) -> f64;
}

fn main() {}
