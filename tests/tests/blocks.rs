//! `#[differentiable]` on `impl` blocks and traits.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{DVector, Matrix2, RealField, SVector, Vector2};
use nalgrad::{Differentiable, differentiable, gradient, hessian, jacobian, jvp, vjp};

trait Potential {
    type Point;
    const DEPTH: f64;

    fn stiffness(&self) -> f64;
    fn energy(&self, x: &Self::Point, y: f64) -> f64;
    fn shifted(y: f64) -> f64;
    fn residual(&self, x: &Self::Point) -> Vector2<f64>;
}

struct Well {
    width: f64,
}

impl Well {
    const HALF: f64 = 0.5;
}

#[differentiable]
impl Potential for Well {
    type Point = Vector2<f64>;
    const DEPTH: f64 = 4.0;

    fn stiffness(&self) -> f64 {
        1.5
    }

    /// Documented, and with several attributes.
    #[gradient(wrt(x, y))]
    #[hessian]
    #[jvp]
    #[inline]
    fn energy(&self, x: &Vector2<f64>, y: f64) -> f64 {
        let depth: f64 = Self::DEPTH;
        Self::HALF * self.stiffness() * x.norm_squared() * y - depth * Self::shifted(y) / self.width
    }

    #[differentiable(module = false)]
    #[gradient]
    fn shifted(y: f64) -> f64 {
        (y - Self::DEPTH).sin()
    }

    #[jacobian(wrt(x))]
    #[vjp]
    fn residual(&self, x: &Vector2<f64>) -> Vector2<f64> {
        x * Self::DEPTH + x.component_mul(x)
    }
}

#[test]
fn an_implementation_of_a_trait() {
    let well = Well { width: 2.0 };
    let (x, y) = (Vector2::new(0.3, -0.8), 0.7);
    let (x_bar, y_bar) = well.energy_gradient(&x, y);
    assert_close((x_bar - x * 1.5 * 0.7).norm(), 0.0);
    assert_close(y_bar, slope(|t| well.energy(&x, y + t)));
    assert_eq!(well.energy_value_and_gradient(&x, y).0, well.energy(&x, y));
    let ((xx, _), (_, yy)) = well.energy_hessian(&x, y);
    assert_close((xx - Matrix2::identity() * 1.05).norm(), 0.0);
    assert_close(yy, slope(|t| well.energy_gradient(&x, y + t).1));
    assert_eq!(well.energy_jvp(&x, y, &Vector2::zeros(), 1.0).1, y_bar);
    assert_close(Well::shifted_gradient(y), (y - 4.0).cos());
    assert_close(well.residual_jacobian(&x)[(1, 1)], 4.0 - 1.6);
    let pulled = well.residual_vjp(&x).1(Vector2::new(1.0, 0.0));
    assert_close(pulled.x, 4.6);
}

/// Parameters of the block, and `self`.
trait Model<const N: usize> {
    type Scalar;
    fn predict(&self, x: &SVector<Self::Scalar, N>) -> Self::Scalar;
}

#[derive(Differentiable, Clone)]
struct Linear<T: RealField + Copy, const N: usize> {
    w: SVector<T, N>,
    b: T,
}

#[differentiable(crate = nalgrad)]
impl<T, const N: usize> Model<N> for Linear<T, N>
where
    T: RealField + Copy,
{
    type Scalar = T;

    #[gradient(wrt(self, x))]
    fn predict(&self, x: &SVector<T, N>) -> Self::Scalar {
        let w: &SVector<T, N> = &self.w;
        w.dot(x) + self.b * self.b
    }
}

#[test]
fn parameters_of_the_block() {
    let linear = Linear {
        w: Vector2::new(0.5, 2.0),
        b: 3.0,
    };
    let x = Vector2::new(0.7, -0.1);
    let (by_self, by_x) = linear.predict_gradient(&x);
    assert_eq!((by_self.w, by_self.b, by_x), (x, 6.0, linear.w));
}

struct Plain(f64);

#[differentiable]
impl Plain {
    #[gradient]
    fn scaled(&self, x: f64) -> f64 {
        Self::twice(x) * self.0
    }

    #[differentiable(module = false)]
    fn twice(x: f64) -> f64 {
        2.0 * x * x
    }
}

#[differentiable]
trait Norm {
    fn weight(&self) -> f64;

    #[gradient(wrt(x))]
    #[jvp]
    fn weighted(&self, x: &DVector<f64>) -> f64 {
        self.weight() * x.norm_squared()
    }
}

impl Norm for Plain {
    fn weight(&self) -> f64 {
        self.0
    }
}

#[test]
fn inherent_blocks_and_traits() {
    let plain = Plain(3.0);
    assert_eq!(plain.scaled_gradient(0.5), 6.0);
    let x = DVector::from_vec(vec![1.0, 2.0]);
    assert_eq!(plain.weighted_gradient(&x), &x * 6.0);
    assert_eq!(plain.weighted_jvp(&x, &x).1, 30.0);
}
