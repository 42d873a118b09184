//! Methods and associated functions, of types and of traits.

use nalgebra::{DVector, RealField, SMatrix, SVector, Vector2, Vector3};
use nalgrad::gradient;

use crate::close;

struct Spring {
    stiffness: f64,
    rest: DVector<f64>,
}

impl Spring {
    const HALF: f64 = 0.5;

    fn scale(&self) -> f64 {
        self.stiffness.sqrt()
    }

    fn offset() -> f64 {
        0.25
    }

    #[gradient]
    fn energy(&self, x: &DVector<f64>) -> f64 {
        Self::HALF * self.stiffness * (x - &self.rest).norm_squared()
    }

    #[gradient]
    fn scaled(&self, x: f64) -> f64 {
        (self.scale() * x + Self::offset()).sin()
    }

    #[gradient]
    fn without_receiver(x: f64, y: f64) -> f64 {
        Self::HALF * x * y * y
    }

    #[gradient(wrt(y, x))]
    fn by_mutable_receiver(&mut self, x: f64, y: f64) -> f64 {
        self.stiffness += 1.0;
        x * x * y
    }

    #[gradient]
    fn by_value(self, x: f64) -> f64 {
        self.stiffness * x * x
    }

    #[gradient]
    fn by_box(self: Box<Self>, x: f64) -> f64 {
        self.stiffness * x * x
    }
}

/// An associated function of the same name as a function of this module.
#[gradient]
fn energy(x: f64) -> f64 {
    -x
}

struct Model<T, const N: usize> {
    weights: SVector<T, N>,
    ridge: T,
}

impl<T: RealField + Copy, const N: usize> Model<T, N> {
    #[gradient(wrt(x))]
    pub fn loss(&self, x: &SVector<T, N>, target: T) -> T {
        let error = self.weights.dot(x) - target;
        error * error + self.ridge * x.norm_squared()
    }

    #[gradient(wrt(w))]
    pub fn loss_of<const M: usize>(&self, w: &SMatrix<T, M, N>, y: &SVector<T, M>) -> T {
        (y - w * &self.weights).norm_squared()
    }
}

impl<'a, T> Model<&'a [T], 0>
where
    T: Into<f64> + Copy,
{
    #[gradient]
    fn first(&'a self, x: f64) -> f64 {
        let first: f64 = self.ridge[0].into();
        first * x * x
    }
}

trait Potential {
    const DEPTH: f64;

    fn stiffness(&self) -> f64;

    #[gradient(wrt(x))]
    fn energy(&self, x: &Vector3<f64>) -> f64 {
        self.stiffness() * x.norm_squared() - Self::DEPTH
    }

    #[gradient]
    fn at(x: f64) -> f64
    where
        Self: Sized,
    {
        Self::DEPTH * x.exp()
    }
}

struct Well;

impl Potential for Well {
    const DEPTH: f64 = 4.0;

    fn stiffness(&self) -> f64 {
        1.5
    }
}

#[test]
fn inherent_methods() {
    let mut spring = Spring {
        stiffness: 2.0,
        rest: DVector::from_row_slice(&[1.0, 2.0]),
    };
    let x = DVector::from_row_slice(&[0.5, -1.0]);
    let expected = (&x - &spring.rest) * 2.0;
    assert!((spring.energy_gradient(&x) - &expected).amax() < 1e-12);
    assert!((Spring::energy_gradient(&spring, &x) - expected).amax() < 1e-12);
    assert_eq!(spring.energy_value_and_gradient(&x).0, spring.energy(&x));
    assert_eq!(energy_value_and_gradient(2.0), (energy(2.0), -1.0));
    assert_eq!(energy_gradient(2.0), -1.0);

    let root = 2.0_f64.sqrt();
    assert!(close(
        spring.scaled_gradient(0.3),
        root * (root * 0.3 + 0.25).cos()
    ));
    assert_eq!(spring.scaled_value_and_gradient(0.3).0, spring.scaled(0.3));

    let (dx, dy) = Spring::without_receiver_gradient(2.0, 3.0);
    assert!(close(dx, 4.5) && close(dy, 6.0));
    let (value, _) = Spring::without_receiver_value_and_gradient(2.0, 3.0);
    assert_eq!(value, Spring::without_receiver(2.0, 3.0));

    let (dy, dx) = spring.by_mutable_receiver_gradient(2.0, 3.0);
    assert!(close(dx, 12.0) && close(dy, 4.0));
    let (value, _) = spring.by_mutable_receiver_value_and_gradient(2.0, 3.0);
    assert_eq!(value, spring.by_mutable_receiver(2.0, 3.0));
    assert_eq!(spring.stiffness, 5.0, "one effect a call");

    let spring = || Spring {
        stiffness: 2.0,
        rest: DVector::zeros(0),
    };
    assert!(close(spring().by_value_gradient(3.0), 12.0));
    assert_eq!(
        spring().by_value_value_and_gradient(3.0).0,
        spring().by_value(3.0)
    );
    assert!(close(Box::new(spring()).by_box_gradient(3.0), 12.0));
    let (value, _) = Box::new(spring()).by_box_value_and_gradient(3.0);
    assert_eq!(value, Box::new(spring()).by_box(3.0));
}

#[test]
fn methods_of_generic_types() {
    let model = Model {
        weights: Vector2::new(0.5, -1.0),
        ridge: 0.1,
    };
    let x = Vector2::new(2.0, 3.0);
    let error = model.weights.dot(&x) - 1.0;
    let expected = model.weights * (2.0 * error) + x * 0.2;
    assert!((model.loss_gradient(&x, 1.0) - expected).amax() < 1e-12);
    assert_eq!(
        model.loss_value_and_gradient(&x, 1.0).0,
        model.loss(&x, 1.0)
    );

    let w = SMatrix::<f64, 3, 2>::from_row_slice(&[1.0, 2.0, 0.5, -1.0, 0.0, 1.0]);
    let y = Vector3::new(1.0, 0.0, -1.0);
    let expected = (y - w * model.weights) * model.weights.transpose() * -2.0;
    assert!((model.loss_of_gradient(&w, &y) - expected).amax() < 1e-12);
    assert_eq!(
        model.loss_of_value_and_gradient(&w, &y).0,
        model.loss_of(&w, &y)
    );

    let model = Model::<&[f32], 0> {
        weights: SVector::from([]),
        ridge: &[2.5],
    };
    assert!(close(model.first_gradient(3.0), 15.0));
    assert_eq!(model.first_value_and_gradient(3.0).0, model.first(3.0));
    assert!(model.weights.is_empty());
}

#[test]
fn default_methods_of_traits() {
    let x = Vector3::new(1.0, -2.0, 0.5);
    assert!((Well.energy_gradient(&x) - x * 3.0).amax() < 1e-12);
    assert_eq!(Well.energy_value_and_gradient(&x).0, Well.energy(&x));
    assert!(close(Well::at_gradient(0.5), 4.0 * 0.5_f64.exp()));
    assert_eq!(Well::at_value_and_gradient(0.5).0, Well::at(0.5));
}
