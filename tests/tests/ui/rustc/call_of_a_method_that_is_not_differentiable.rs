use nalgrad::gradient;

struct Spring {
    stiffness: f64,
}

impl Spring {
    fn force(&self, x: f64) -> f64 {
        self.stiffness * x
    }

    #[gradient(wrt(x))]
    fn energy(&self, x: f64) -> f64 {
        self.force(x) * x
    }
}

fn main() {}
