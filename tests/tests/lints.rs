//! Generated code is somebody's code: it passes the lints that people turn on.
#![deny(
    warnings,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    trivial_casts,
    trivial_numeric_casts,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]
#![forbid(unsafe_code)]

use nalgebra::{
    DMatrix, DVector, Matrix2, Matrix3, Matrix4, RealField, RowVector3, SMatrix, SVector, Vector2,
    Vector3,
};
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

/// A scalar function of two scalars.
#[gradient]
#[must_use]
pub fn wave(x: f64, y: f64) -> f64 {
    let phase = x * y;
    phase.sin() * x.exp() / (y.cosh() * phase.cosh()).sqrt()
}

/// In single precision, of one scalar that is used often.
#[gradient]
#[must_use]
pub fn powers(x: f32) -> f32 {
    x * x * x.powi(3) * x.sqrt()
}

/// Mean squared error of one rectified linear unit.
#[gradient(wrt(w, b))]
#[must_use]
pub fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let activation = (x * w).add_scalar(b).map(|z| z.max(0.0));
    #[allow(clippy::cast_precision_loss)]
    let count = y.len() as f64;
    (y - activation).norm_squared() / count
}

/// The volume of the parallelepiped of three static vectors.
#[gradient]
#[must_use]
pub fn volume(a: &Vector3<f64>, b: &Vector3<f64>, c: &Vector3<f64>) -> f64 {
    a.cross(b).dot(c)
}

/// The cosine of an angle, with lengths that are used twice.
#[gradient]
#[must_use]
pub fn cosine(a: Vector2<f64>, b: Vector2<f64>) -> f64 {
    let lengths = a.norm() * b.norm();
    a.dot(&b) / lengths
}

/// Huber's loss: a branch.
#[gradient(wrt(residual))]
#[must_use]
pub fn huber(residual: f64, width: f64) -> f64 {
    let size = residual.abs();
    if size < width {
        0.5 * size * size
    } else {
        let half = width / 2.0;
        width * (size - half)
    }
}

/// Branches within branches, of a vector.
#[gradient]
#[must_use]
pub fn pieces(x: &DVector<f64>, level: f64) -> f64 {
    let total = x.sum();
    let bent = if total > level {
        total.ln()
    } else if total > 0.0 {
        total * level
    } else {
        -total
    };
    bent * x.amax()
}

/// Relative entropy: two vectors at once, elementwise.
#[gradient]
#[must_use]
pub fn divergence(p: &DVector<f64>, q: &DVector<f64>) -> f64 {
    p.zip_map(q, |p, q| p * (p / q).ln()).sum()
}

/// Entries, a column and a view.
#[gradient]
#[must_use]
pub fn parts(m: &Matrix4<f64>, v: &DVector<f64>) -> f64 {
    let corner = m.fixed_view::<2, 2>(1, 2);
    let last = v[v.len() - 1];
    let product = m[(0, 3)] * v[0] * last;
    product + corner.norm_squared() + m.column(1).sum()
}

/// A loop's worth of entries of a dynamic matrix, its views and rows.
#[gradient]
#[must_use]
pub fn dynamic_parts(m: &DMatrix<f64>) -> f64 {
    let top = m.rows(0, 2);
    top.norm_squared() + m.row(0).dot(&m.row(1)) + m.view((0, 0), (1, 2)).sum()
}

/// An inverse.
///
/// # Panics
///
/// Where the matrix is singular.
#[gradient]
#[must_use]
pub fn trace_of_inverse(m: &Matrix3<f64>) -> f64 {
    m.try_inverse().expect("a regular matrix").trace()
}

/// A determinant, static and small.
#[gradient]
#[must_use]
pub fn log_det(m: &Matrix2<f64>) -> f64 {
    m.determinant().abs().ln()
}

/// A determinant, dynamic.
#[gradient]
#[must_use]
pub fn dynamic_det(m: &DMatrix<f64>, scale: f64) -> f64 {
    (m * scale).determinant()
}

/// A product of many matrices.
#[gradient]
#[must_use]
pub fn products(a: &DMatrix<f64>, b: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    let c = a * b.transpose() * x;
    c.dot(&(a.tr_mul(&c)))
}

/// A row vector and outer products.
#[gradient]
#[must_use]
pub fn outer(r: &RowVector3<f64>, v: &Vector3<f64>) -> f64 {
    (v * r).norm() * (r * v)[0]
}

/// Generic over the real type and the lengths.
#[gradient]
#[must_use]
pub fn energy<T, const R: usize, const C: usize>(m: &SMatrix<T, R, C>, x: &SVector<T, C>) -> T
where
    T: RealField + Copy,
{
    (m * x).norm_squared()
}

/// Linear, so that the gradient reads nothing of `x`.
#[gradient(wrt(x))]
#[must_use]
pub fn linear<'a>(a: &'a DVector<f64>, x: &'a DVector<f64>) -> f64 {
    a.dot(x)
}

/// A function that asserts, prints nothing and reads an integer.
///
/// # Panics
///
/// Where `x` is empty.
#[gradient]
#[must_use]
pub fn guarded(x: &DVector<f64>, at: usize) -> f64 {
    assert!(!x.is_empty(), "no entries");
    let index = at % x.len();
    x[index] * x[index]
}

/// A spring.
#[derive(Clone, Debug)]
pub struct Spring {
    /// How hard it is.
    pub stiffness: f64,
    /// Where it rests.
    pub rest: DVector<f64>,
}

impl Spring {
    const HALF: f64 = 0.5;

    /// What it takes to pull it to `x`.
    #[gradient]
    #[must_use]
    #[inline]
    pub fn energy(&self, x: &DVector<f64>) -> f64 {
        Self::HALF * self.stiffness * (x - &self.rest).norm_squared()
    }
}

/// Every companion of a function of a vector and a number, with a call.
#[gradient(wrt(x, s))]
#[jacobian]
#[hessian]
#[jvp]
#[vjp]
#[hvp]
#[must_use]
pub fn every_companion(x: &DVector<f64>, s: f64, a: &DMatrix<f64>) -> f64 {
    let r: DVector<f64> = bent(x, a, 2);
    let (length, angle) = polar(s, r.sum());
    if length > 1.0 {
        softplus(angle) * r.norm_squared()
    } else {
        softplus(s)
    }
}

/// Several results, one of them without a derivative.
#[jacobian]
#[jvp]
#[vjp]
#[must_use]
pub fn several_results(x: &Vector3<f64>, s: f64) -> (Vector3<f64>, (f64, usize), [f64; 2]) {
    let y = x.map(|e| softplus(e * s));
    (y, (y.norm(), 3), [s, y.x])
}

/// With a value that is passed on.
#[gradient(aux)]
#[must_use]
pub fn with_residual(x: &DVector<f64>, b: &DVector<f64>) -> (f64, DVector<f64>) {
    let r = x - b;
    (r.norm_squared(), r)
}

/// In one direction.
#[jacobian(mode = forward)]
#[must_use]
pub fn forwards(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
    (a * x).map(f64::tanh)
}

/// In the other.
#[jacobian(mode = reverse)]
#[must_use]
pub fn backwards(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
    (a * x).map(f64::tanh)
}

/// Called for every entry.
#[differentiable]
#[must_use]
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Called with an inert matrix and an integer.
#[differentiable(wrt(x))]
#[must_use]
pub fn bent(x: &DVector<f64>, a: &DMatrix<f64>, k: i32) -> DVector<f64> {
    let k = f64::from(k);
    (a * x).map(|z| z.tanh() * k)
}

/// Returns a pair.
#[differentiable]
#[must_use]
pub fn polar(x: f64, y: f64) -> (f64, f64) {
    (x.hypot(y), y.atan2(x))
}

/// Calls itself.
#[differentiable]
#[must_use]
pub fn power(x: f64, n: usize) -> f64 {
    if n == 0 { 1.0 } else { x * power(x, n - 1) }
}

/// By a rule.
#[differentiable(vjp = cube_vjp, jvp = cube_jvp)]
#[must_use]
pub fn cube(x: f64) -> f64 {
    x.powi(3)
}

fn cube_vjp(x: f64) -> (f64, impl Fn(f64) -> f64) {
    (cube(x), move |y_bar| 3.0 * x * x * y_bar)
}

fn cube_jvp(x: f64, dx: f64) -> (f64, f64) {
    (cube(x), 3.0 * x * x * dx)
}

/// Calls what has a rule.
#[gradient]
#[jvp]
#[must_use]
pub fn of_a_cube(x: f64) -> f64 {
    cube(x * x) + nalgrad::stop_gradient(x)
}

/// Generic, and calls.
#[gradient]
#[hvp]
#[must_use]
pub fn generic_caller<T: RealField + Copy, const N: usize>(x: &SVector<T, N>, s: T) -> T {
    weighted(x, s) * s
}

/// Generic.
#[differentiable]
#[must_use]
pub fn weighted<T: RealField + Copy, const N: usize>(x: &SVector<T, N>, s: T) -> T {
    x.norm_squared() * s
}

impl Spring {
    /// What it pulls with.
    #[differentiable]
    #[must_use]
    pub fn force(&self, x: f64) -> f64 {
        -self.stiffness * x
    }

    /// What it takes, by what it pulls with.
    #[gradient(wrt(x))]
    #[jacobian]
    #[hessian]
    #[jvp]
    #[vjp]
    #[hvp]
    #[must_use]
    pub fn work(&self, x: f64) -> f64 {
        (self.force(x) * x).mul_add(-0.5, power(x, 2))
    }
}

mod numbers {
    //! What the functions above give, against formulas.
    #![allow(
        clippy::many_single_char_names,
        clippy::similar_names,
        clippy::suboptimal_flops
    )]

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn scalars() {
        let (x, y) = (0.7_f64, 1.3_f64);
        let (dx, dy) = wave_gradient(x, y);
        let value = wave(x, y);
        let log_phase = 1.0 / (x * y).tan() - 0.5 * (x * y).tanh();
        assert!(close(dx, value * (y * log_phase + 1.0)));
        assert!(close(dy, value * (x * log_phase - 0.5 * y.tanh())));
        assert_eq!(wave_value_and_gradient(x, y).0.to_bits(), value.to_bits());
        assert!((powers_gradient(1.5) - 5.5 * 1.5_f32.powf(4.5)).abs() < 1e-4);
        assert_eq!(
            powers_value_and_gradient(1.5).0.to_bits(),
            powers(1.5).to_bits()
        );
        assert!(close(huber_gradient(-0.5, 1.0), -0.5) && close(huber_gradient(-3.0, 1.25), -1.25));
        assert_eq!(
            huber_value_and_gradient(-3.0, 1.25).0.to_bits(),
            huber(-3.0, 1.25).to_bits()
        );
    }

    #[test]
    fn dynamic_vectors() {
        let x = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, -1.0, -0.5]);
        let (w, b) = (DVector::from_row_slice(&[0.4, 0.9]), 0.1);
        let y = DVector::from_row_slice(&[1.0, -1.0]);
        // Only the first unit is on: z = 0.4 + 1.8 + 0.1.
        let z_bar = 2.3 - 1.0;
        let (value, (dw, db)) = cost_value_and_gradient(&w, b, &x, &y);
        assert!(close(dw[0], z_bar) && close(dw[1], 2.0 * z_bar) && close(db, z_bar));
        assert_eq!(value.to_bits(), cost(&w, b, &x, &y).to_bits());
        let again = cost_gradient(&w, b, &x, &y);
        assert!((again.0 - dw).amax() < 1e-12 && close(again.1, db));

        let v = DVector::from_row_slice(&[2.0, -0.5, 1.0]);
        let (dv, dl) = pieces_gradient(&v, 1.0);
        let mut expected = DVector::from_element(3, 2.0 / 2.5);
        expected[0] += 2.5_f64.ln();
        assert!((dv - expected).amax() < 1e-12 && dl.abs() < 1e-12);
        let (dv, dl) = pieces_gradient(&v, 4.0);
        let mut expected = DVector::from_element(3, 8.0);
        expected[0] += 10.0;
        assert!((dv - expected).amax() < 1e-12 && close(dl, 5.0));
        let (dv, dl) = pieces_gradient(&-&v, 4.0);
        let mut expected = DVector::from_element(3, -2.0);
        expected[0] -= 2.5;
        assert!((dv - expected).amax() < 1e-12 && dl.abs() < 1e-12);
        assert_eq!(
            pieces_value_and_gradient(&v, 4.0).0.to_bits(),
            pieces(&v, 4.0).to_bits()
        );

        let (p, q) = (
            DVector::from_row_slice(&[0.4, 0.6]),
            DVector::from_row_slice(&[0.7, 0.3]),
        );
        let (dp, dq) = divergence_gradient(&p, &q);
        assert!((dp - p.zip_map(&q, |p, q| (p / q).ln() + 1.0)).amax() < 1e-12);
        assert!((dq + p.component_div(&q)).amax() < 1e-12);
        assert_eq!(
            divergence_value_and_gradient(&p, &q).0.to_bits(),
            divergence(&p, &q).to_bits()
        );

        assert_eq!(linear_gradient(&p, &q), p);
        assert_eq!(
            linear_value_and_gradient(&p, &q).0.to_bits(),
            linear(&p, &q).to_bits()
        );
        let (value, dv) = guarded_value_and_gradient(&v, 4);
        assert!((dv - DVector::from_row_slice(&[0.0, -1.0, 0.0])).amax() < 1e-12);
        assert_eq!(value.to_bits(), guarded(&v, 4).to_bits());
        assert!(close(guarded_gradient(&v, 3)[0], 4.0));

        let spring = Spring {
            stiffness: 3.0,
            rest: y,
        };
        assert!((spring.energy_gradient(&w) - (&w - &spring.rest) * 3.0).amax() < 1e-12);
        assert_eq!(
            spring.energy_value_and_gradient(&w).0.to_bits(),
            spring.energy(&w).to_bits()
        );
    }

    #[test]
    fn static_vectors() {
        let (a, b, c) = (
            Vector3::new(1.0, 2.0, -1.0),
            Vector3::new(0.5, 0.1, 2.0),
            Vector3::new(-0.4, 1.0, 3.0),
        );
        let (da, db, dc) = volume_gradient(&a, &b, &c);
        assert!((da - b.cross(&c)).amax() < 1e-12 && (db - c.cross(&a)).amax() < 1e-12);
        assert!((dc - a.cross(&b)).amax() < 1e-12);
        assert_eq!(
            volume_value_and_gradient(&a, &b, &c).0.to_bits(),
            volume(&a, &b, &c).to_bits()
        );

        let (p, q) = (Vector2::new(1.0, 2.0), Vector2::new(3.0, -0.5));
        let (dp, dq) = cosine_gradient(p, q);
        let value = cosine(p, q);
        let lengths = p.norm() * q.norm();
        assert!((dp - q / lengths + p * (value / p.norm_squared())).amax() < 1e-12);
        assert!((dq - p / lengths + q * (value / q.norm_squared())).amax() < 1e-12);
        assert_eq!(cosine_value_and_gradient(p, q).0.to_bits(), value.to_bits());

        let r = RowVector3::new(0.5, 1.0, -1.0);
        let (dr, da) = outer_gradient(&r, &a);
        let (norms, product) = (a.norm() * r.norm(), (r * a)[0]);
        let expected = r * (a.norm() / r.norm() * product) + a.transpose() * norms;
        assert!((dr - expected).amax() < 1e-12);
        let expected = a * (r.norm() / a.norm() * product) + r.transpose() * norms;
        assert!((da - expected).amax() < 1e-12);
        assert_eq!(
            outer_value_and_gradient(&r, &a).0.to_bits(),
            outer(&r, &a).to_bits()
        );

        let m = SMatrix::<f64, 2, 3>::new(1.0, 2.0, 3.0, 0.5, -1.0, 0.25);
        let (dm, da) = energy_gradient(&m, &a);
        assert!((dm - m * a * a.transpose() * 2.0).amax() < 1e-12);
        assert!((da - m.transpose() * m * a * 2.0).amax() < 1e-12);
        assert_eq!(
            energy_value_and_gradient(&m, &a).0.to_bits(),
            energy(&m, &a).to_bits()
        );
    }

    #[test]
    fn parts_of_matrices() {
        let m = Matrix4::from_fn(|i, j| f64::from(u8::try_from(3 * i + 5 * j).unwrap()).sin());
        let v = DVector::from_row_slice(&[2.0, -0.5, 1.5]);
        let (dm, dv) = parts_gradient(&m, &v);
        let mut expected = Matrix4::zeros();
        expected[(0, 3)] = 3.0;
        for (i, j) in [(1, 2), (1, 3), (2, 2), (2, 3)] {
            expected[(i, j)] = 2.0 * m[(i, j)];
        }
        expected.column_mut(1).fill(1.0);
        assert!((dm - expected).amax() < 1e-12);
        assert!((dv - DVector::from_row_slice(&[1.5, 0.0, 2.0]) * m[(0, 3)]).amax() < 1e-12);
        assert_eq!(
            parts_value_and_gradient(&m, &v).0.to_bits(),
            parts(&m, &v).to_bits()
        );

        let m = DMatrix::from_row_slice(3, 2, &[1.0, 2.0, -1.0, 0.5, 0.3, -2.0]);
        let expected = DMatrix::from_row_slice(3, 2, &[2.0, 5.5, -1.0, 3.0, 0.0, 0.0]);
        assert!((dynamic_parts_gradient(&m) - expected).amax() < 1e-12);
        assert_eq!(
            dynamic_parts_value_and_gradient(&m).0.to_bits(),
            dynamic_parts(&m).to_bits()
        );
    }

    #[test]
    fn inverses_and_determinants() {
        let m = Matrix3::new(2.0, 1.0, 0.0, -0.5, 3.0, 0.3, 0.2, 0.1, 1.5);
        let inverse = m.try_inverse().unwrap();
        let expected = (inverse * inverse).transpose() * -1.0;
        assert!((trace_of_inverse_gradient(&m) - expected).amax() < 1e-12);
        assert_eq!(
            trace_of_inverse_value_and_gradient(&m).0.to_bits(),
            trace_of_inverse(&m).to_bits()
        );

        let m = Matrix2::new(1.0, 2.0, 3.0, 4.0);
        let expected = Matrix2::new(-2.0, 1.5, 1.0, -0.5);
        assert!((log_det_gradient(&m) - expected).amax() < 1e-12);
        assert_eq!(
            log_det_value_and_gradient(&m).0.to_bits(),
            log_det(&m).to_bits()
        );

        let m = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]);
        let (dm, ds) = dynamic_det_gradient(&m, 0.5);
        let expected = DMatrix::from_row_slice(2, 2, &[1.0, -0.75, -0.5, 0.25]);
        assert!((dm - expected).amax() < 1e-12 && close(ds, -2.0));
        assert_eq!(
            dynamic_det_value_and_gradient(&m, 0.5).0.to_bits(),
            dynamic_det(&m, 0.5).to_bits()
        );

        let b = DMatrix::from_row_slice(2, 2, &[0.5, -1.0, 2.0, 0.25]);
        let x = DVector::from_row_slice(&[1.0, -2.0]);
        let c = &m * b.transpose() * &x;
        let c_bar = (&m + m.transpose()) * &c;
        let (da, db, dx) = products_gradient(&m, &b, &x);
        let expected = &c_bar * (b.transpose() * &x).transpose() + &c * c.transpose();
        assert!((da - expected).amax() < 1e-11);
        assert!((db - &x * (m.transpose() * &c_bar).transpose()).amax() < 1e-11);
        assert!((dx - &b * m.transpose() * &c_bar).amax() < 1e-11);
        assert_eq!(
            products_value_and_gradient(&m, &b, &x).0.to_bits(),
            products(&m, &b, &x).to_bits()
        );
    }
}
