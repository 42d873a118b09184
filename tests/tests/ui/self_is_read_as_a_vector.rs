use nalgebra::DVector;
use nalgrad::gradient;

struct Weights(DVector<f64>);

impl Weights {
    #[gradient]
    fn cost(self: &Self, x: &DVector<f64>) -> f64 {
        let Weights(w) = self;
        w.dot(x) + self.score(x)
    }

    fn score(&self, x: &DVector<f64>) -> f64 {
        self.0.norm() * x.norm()
    }
}

fn main() {}
