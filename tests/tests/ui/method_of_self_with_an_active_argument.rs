use nalgrad::gradient;

struct Spring {
    stiffness: f64,
}

impl Spring {
    fn force(&self, x: f64) -> f64 {
        -self.stiffness * x
    }

    #[gradient]
    fn power(&self, x: f64, speed: f64) -> f64 {
        self.force(x) * speed
    }
}

fn main() {}
