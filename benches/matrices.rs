//! Jacobians, Hessians and products with Hessians, ready to run.

use std::hint::black_box;

use nalgebra::{DMatrix, DVector, SVector, Vector2, Vector3, Vector6};
use nalgrad::{gradient, hessian, hvp, jacobian};

use crate::by_dual_numbers;
use crate::cases::{Case, Named, Pair, Random, Run, assert_agree, dual, keep, run};

#[path = "matrices_by_hand.rs"]
mod by_hand;

/// Where a camera sees a point: its pose is a rotation vector and a translation.
#[jacobian(wrt(pose))]
fn reprojection(
    pose: &Vector6<f64>,
    point: &Vector3<f64>,
    focal: &Vector2<f64>,
    centre: &Vector2<f64>,
) -> Vector2<f64> {
    let rotation = pose.fixed_rows::<3>(0);
    let angle = rotation.norm();
    let axis = rotation / angle;
    let (sin, cos) = angle.sin_cos();
    let turned = point * cos + axis.cross(point) * sin + axis * (axis.dot(point) * (1.0 - cos));
    let p = turned + pose.fixed_rows::<3>(3);
    Vector2::new(p.x / p.z * focal.x, p.y / p.z * focal.y) + centre
}

/// The same for a lens that distorts, by all that is to be calibrated: the pose, the focal lengths, the centre, and five
/// coefficients of the distortion (of Brown and Conrady).
#[jacobian(wrt(camera))]
fn calibration(camera: &SVector<f64, 15>, point: &Vector3<f64>) -> Vector2<f64> {
    let rotation = camera.fixed_rows::<3>(0);
    let angle = rotation.norm();
    let axis = rotation / angle;
    let (sin, cos) = angle.sin_cos();
    let turned = point * cos + axis.cross(point) * sin + axis * (axis.dot(point) * (1.0 - cos));
    let p = turned + camera.fixed_rows::<3>(3);
    let (x, y) = (p.x / p.z, p.y / p.z);
    let (k1, k2, p1, p2, k3) = (camera[10], camera[11], camera[12], camera[13], camera[14]);
    let r2 = x * x + y * y;
    let radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3));
    let u = x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x);
    let v = y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y;
    Vector2::new(camera[6] * u + camera[8], camera[7] * v + camera[9])
}

#[gradient(wrt(w))]
#[hessian]
#[hvp]
fn logistic(w: &DVector<f64>, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    (x * w).zip_map(y, |z, y| (1.0 + (-y * z).exp()).ln()).sum()
}

#[hessian(wrt(x))]
fn quadratic(x: &DVector<f64>, a: &DMatrix<f64>, b: &DVector<f64>) -> f64 {
    0.5 * x.dot(&(a * x)) - b.dot(x)
}

#[gradient]
#[hvp]
#[allow(dead_code, reason = "known by its companions only")]
fn rosenbrock(x: &DVector<f64>) -> f64 {
    let n = x.len();
    let (a, b) = (x.rows(0, n - 1), x.rows(1, n - 1));
    a.zip_map(&b, |a, b| 100.0 * (b - a * a).powi(2) + (1.0 - a).powi(2))
        .sum()
}

/// A `Case` of a Jacobian or a Hessian, which is the last of what comes with the value.
macro_rules! case {
    ($name:literal, $value:ident, $derivative:ident, $both:ident($($input:expr),*), last = $last:tt) => {{
        let value = move || $value($(black_box($input)),*);
        let generated = move || $derivative($(black_box($input)),*);
        let both_generated = move || $both($(black_box($input)),*);
        let hand = move || by_hand::$derivative($(black_box($input)),*);
        let both_by_hand = move || by_hand::$both($(black_box($input)),*);
        let expected = both_by_hand();
        assert_agree($name, "by hand, without the value", &hand(), &expected.$last);
        assert_agree($name, "without the value", &generated(), &expected.$last);
        assert_agree($name, "with the value", &both_generated(), &expected);
        assert!(value() == both_generated().0, "{}: not the function's own value", $name);
        Case {
            name: $name,
            value: run(value),
            gradient: Pair { generated: run(generated), by_hand: run(hand) },
            value_and_gradient: Pair { generated: run(both_generated), by_hand: run(both_by_hand) },
            by_dual_numbers: None,
        }
    }};
}

#[path = "adbench.rs"]
mod adbench;

/// Jacobians and Hessians, in the order of the table.
pub fn matrices() -> Vec<Named<Case>> {
    let mut cases: Vec<Named<Case>> = vec![
        ("reprojection", reprojection_case),
        ("calibration", calibration_case),
        ("logistic_hessian", logistic_case),
        ("quadratic_hessian", quadratic_case),
    ];
    cases.extend(adbench::cases());
    cases
}

const POINT: Vector3<f64> = Vector3::new(0.4, -0.3, 2.5);
const POSE: Vector6<f64> = Vector6::new(0.3, -0.2, 0.5, 0.1, -0.2, 1.5);
const FOCAL: Vector2<f64> = Vector2::new(800.0, 820.0);
const CENTRE: Vector2<f64> = Vector2::new(320.0, 240.0);
const DISTORTION: [f64; 5] = [-0.28, 0.07, 1e-3, -5e-4, 0.02];

fn reprojection_case() -> Case {
    Case {
        by_dual_numbers: dual(
            || {
                by_dual_numbers::reprojection(
                    black_box(&POSE),
                    black_box(&POINT),
                    black_box(&FOCAL),
                    black_box(&CENTRE),
                )
            },
            by_hand::reprojection_value_and_jacobian(&POSE, &POINT, &FOCAL, &CENTRE),
        ),
        ..case!(
            "Jacobian: reprojection by pose, 2 × 6",
            reprojection,
            reprojection_jacobian,
            reprojection_value_and_jacobian(&POSE, &POINT, &FOCAL, &CENTRE),
            last = 1
        )
    }
}

fn calibration_case() -> Case {
    let parts = [
        POSE.as_slice(),
        FOCAL.as_slice(),
        CENTRE.as_slice(),
        &DISTORTION,
    ];
    let camera: &SVector<f64, 15> = keep(SVector::from_column_slice(&parts.concat()));
    Case {
        by_dual_numbers: dual(
            move || by_dual_numbers::calibration(black_box(camera), black_box(&POINT)),
            by_hand::calibration_value_and_jacobian(camera, &POINT),
        ),
        ..case!(
            "Jacobian: reprojection by camera, 2 × 15",
            calibration,
            calibration_jacobian,
            calibration_value_and_jacobian(camera, &POINT),
            last = 1
        )
    }
}

type Samples = (
    &'static DVector<f64>,
    &'static DMatrix<f64>,
    &'static DVector<f64>,
);

fn samples() -> Samples {
    let mut random = Random::new();
    let (w, x) = (keep(random.vector(50)), keep(random.matrix(2000, 50)));
    (w, x, keep(random.vector(2000).map(f64::signum)))
}

fn logistic_case() -> Case {
    let (w, x, y) = samples();
    case!(
        "Hessian: logistic loss, 2000 × 50",
        logistic,
        logistic_hessian,
        logistic_value_gradient_and_hessian(w, x, y),
        last = 2
    )
}

fn quadratic_case() -> Case {
    let mut random = Random::new();
    let (x, a, b) = (
        keep(random.vector(500)),
        keep(random.matrix(500, 500)),
        keep(random.vector(500)),
    );
    case!(
        "Hessian: xᵀ A x / 2 − b · x, 500",
        quadratic,
        quadratic_hessian,
        quadratic_value_gradient_and_hessian(x, a, b),
        last = 2
    )
}

/// A function's gradient, and its gradient with the product of its Hessian and a direction.
pub struct Product {
    /// Says what and how large.
    pub name: &'static str,
    /// The gradient, by `#[gradient]`.
    pub gradient: Run,
    /// The gradient and the product, by `#[hvp]`.
    pub hvp: Run,
    /// The gradient and the product, by an expert.
    pub by_hand: Run,
}

/// Builds a `Product` after asserting that both agree.
macro_rules! product {
    ($name:literal, $gradient:ident($($input:expr),*), $hvp:ident($direction:expr)) => {{
        let gradient = move || $gradient($(black_box($input)),*);
        let generated = move || $hvp($(black_box($input),)* black_box($direction));
        let by_hand = move || by_hand::$hvp($(black_box($input),)* black_box($direction));
        assert_agree($name, "product", &generated(), &by_hand());
        assert_agree($name, "gradient beside the product", &generated().0, &gradient());
        Product {
            name: $name,
            gradient: run(gradient),
            hvp: run(generated),
            by_hand: run(by_hand),
        }
    }};
}

/// Products with Hessians, in the order of the table.
pub fn products() -> Vec<Named<Product>> {
    vec![
        ("logistic_hvp", logistic_product),
        ("rosenbrock_hvp", rosenbrock_product),
    ]
}

fn logistic_product() -> Product {
    let (w, x, y) = samples();
    let direction = keep(Random::new().vector(50));
    product!(
        "logistic loss, 2000 × 50",
        logistic_gradient(w, x, y),
        logistic_hvp(direction)
    )
}

fn rosenbrock_product() -> Product {
    let mut random = Random::new();
    let (x, direction) = (keep(random.vector(1000)), keep(random.vector(1000)));
    product!(
        "Rosenbrock, 1000",
        rosenbrock_gradient(x),
        rosenbrock_hvp(direction)
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_and_hand_written_derivatives_agree() {
        super::matrices().iter().for_each(|(_, case)| drop(case()));
        super::products()
            .iter()
            .for_each(|(_, product)| drop(product()));
    }
}
