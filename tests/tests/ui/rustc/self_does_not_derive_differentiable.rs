use nalgrad::gradient;

struct Spring {
    stiffness: f64,
}

impl Spring {
    #[gradient(wrt(self, x))]
    fn energy(&self, x: f64) -> f64 {
        self.stiffness * x * x
    }
}

fn main() {}
