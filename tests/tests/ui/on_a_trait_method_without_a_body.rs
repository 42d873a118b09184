use nalgrad::gradient;

trait Potential {
    #[gradient]
    fn energy(&self, x: f64) -> f64;
}

fn main() {}
