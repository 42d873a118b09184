// Nothing tells whether the field is a vector or a list; callers see no second error.

use nalgebra::{Vector2, Vector3};
use nalgrad::{Differentiable, differentiable, jacobian, vjp};

#[derive(Clone, Differentiable)]
struct Lens {
    k: [f64; 4],
    focal: f64,
}

impl Lens {
    #[differentiable(wrt(self, p))]
    #[jacobian]
    #[vjp]
    fn project(&self, p: &Vector3<f64>) -> Option<Vector2<f64>> {
        let mut scale = 1.0;
        for k in self.k.iter() {
            scale += k * p.x;
        }
        Some(Vector2::new(scale, self.focal))
    }
}

fn main() {
    let (lens, p) = (Lens { k: [0.1; 4], focal: 1.0 }, Vector3::zeros());
    let (value, _) = lens.project_value_and_jacobian(&p).unwrap();
    let (_, pullback) = lens.project_vjp(&p).unwrap();
    pullback(value);
}
