//! The cells of the chain-rule table (P73 to P78), and matrices (P79 to P87): against the closed form by plain loops, which
//! differences confirm.

use crate::oracle::{
    BY_DIFFERENCES, Entries, Lcg, Tolerance, assert_same, cofactors, determinant, difference,
    dynamic, fixed, inverse, product, slope, slopes,
};
use nalgebra::{
    DMatrix, DVector, Matrix2x4, Matrix3, Matrix3x2, Matrix3x4, Matrix4, SMatrix, Vector2, Vector3,
    Vector4,
};
use nalgrad::{gradient, hessian, jacobian};

/// Sums of products in another order than the oracle's.
const CLOSE: Tolerance = Tolerance::Normwise(1e-12);

/// A mistake in the closed form would show here.
fn confirm<G: Entries>(closed_form: &G, by_differences: &G) {
    assert_same(
        "closed form against differences",
        difference(by_differences, closed_form, BY_DIFFERENCES),
    );
}

/// The slopes of every entry of the value by every entry of `x`.
fn by_differences<const M: usize, const N: usize>(
    x: &SMatrix<f64, N, 1>,
    f: impl Fn(&SMatrix<f64, N, 1>) -> SMatrix<f64, M, 1>,
) -> SMatrix<f64, M, N> {
    let mut jacobian = SMatrix::zeros();
    for i in 0..M {
        let row = slopes(x, |x| f(x)[i]);
        (0..N).for_each(|j| jacobian[(i, j)] = row[j]);
    }
    jacobian
}

macro_rules! tests {
    ($($(#[doc = $doc:literal])* fn $name:ident($random:ident) $body:block)*) => {
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
        mod each {
            use super::*;
            $($(#[doc = $doc])* #[test] fn $name() {
                let $random = &mut Lcg(1);
                for _ in 0..5 $body
            })*
        }
    };
}

#[gradient]
fn scalar_of_scalar(x: f64) -> f64 {
    let u = x.powi(2) + 1.0;
    u.ln().sin()
}

#[gradient]
fn scalar_of_vector_of_scalar(x: f64) -> f64 {
    let u = Vector3::new(x.sin(), x.powi(3), x.exp());
    u[0] * u[1] + u[2].powi(2)
}

#[gradient(wrt(x))]
fn scalar_of_vector_of_vector(a: &Matrix3x4<f64>, x: &Vector4<f64>) -> f64 {
    let u = a * x;
    u.map(|v| v.sin()).sum() + u[0] * u[1]
}

#[gradient(wrt(x))]
fn scalar_of_vector_of_vector_dynamic(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    let u = a * x;
    u[1] * u[0] + u.map(f64::sin).sum()
}

#[jacobian]
fn vector_of_scalar_of_scalar(x: f64) -> Vector3<f64> {
    let u = x.powi(2);
    Vector3::new(u.sin(), u.exp(), u.powi(3))
}

#[jacobian]
fn vector_of_scalar_of_scalar_dynamic(x: f64) -> DVector<f64> {
    let u = x * x;
    DVector::from_vec(vec![u.sin(), u.exp(), u * u * u])
}

#[jacobian(wrt(x))]
fn vector_of_vector_of_scalar(x: f64, a: &Matrix3x2<f64>) -> Vector3<f64> {
    let u = Vector2::new(x.sin(), x.powi(3));
    (a * u).map(|v| v.tanh())
}

#[jacobian(wrt(x))]
fn vector_of_vector_of_scalar_dynamic(x: f64, a: &DMatrix<f64>) -> DVector<f64> {
    let u = DVector::from_vec(vec![x.sin(), x * x * x]);
    (a * u).map(f64::tanh)
}

#[jacobian(wrt(x))]
fn vector_of_vector_of_vector(
    x: &Vector4<f64>,
    a: &Matrix3x2<f64>,
    b: &Matrix2x4<f64>,
) -> Vector3<f64> {
    let u = (b * x).map(|u| u.sin());
    (a * u).map(|v| v.exp())
}

#[jacobian(wrt(x))]
fn vector_of_vector_of_vector_dynamic(
    x: &DVector<f64>,
    a: &DMatrix<f64>,
    b: &DMatrix<f64>,
) -> DVector<f64> {
    (a * (b * x).map(f64::sin)).map(f64::exp)
}

#[gradient(wrt(x))]
fn trace_of_product(a: &SMatrix<f64, 4, 3>, x: &Matrix3x4<f64>) -> f64 {
    (a * x).trace()
}

#[gradient(wrt(x))]
fn trace_of_product_dynamic(a: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    (a * x).trace()
}

/// tr(A X) = tr(X A) = Σ Aᵀ ⊗ X.
#[gradient(wrt(x))]
fn trace_as_a_dot(a: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    a.transpose().dot(x)
}

#[gradient(wrt(x))]
fn trace_of_sandwich(x: &Matrix4<f64>, a: &Matrix4<f64>) -> f64 {
    (x * a * x).trace()
}

#[gradient(wrt(x))]
fn trace_of_sandwich_regrouped(x: &DMatrix<f64>, a: &DMatrix<f64>) -> f64 {
    let right = a * x;
    (x * right).trace()
}

#[gradient(wrt(x, a))]
fn quadratic(x: &Vector4<f64>, a: &Matrix4<f64>) -> f64 {
    (x.transpose() * a * x)[0]
}

#[gradient]
fn quadratic_dot(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    x.dot(&(a * x))
}

#[gradient(wrt(x, m))]
fn quadratic_reversed(m: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    let y = m * x;
    (y.transpose() * x)[(0, 0)]
}

#[gradient(wrt(x, a, b))]
fn least_squares(a: &SMatrix<f64, 6, 3>, x: &Vector3<f64>, b: &SMatrix<f64, 6, 1>) -> f64 {
    (a * x - b).norm_squared()
}

#[gradient(wrt(x, a, b))]
fn least_squares_dot(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    let r = b - a * x;
    r.dot(&r)
}

#[gradient(wrt(x, a, b))]
fn least_squares_norm(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a * x - b).norm().powi(2)
}

#[gradient(wrt(x, a, b))]
fn least_squares_product(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    let residual = a * x - b;
    (residual.transpose() * &residual)[0]
}

#[gradient]
fn log_determinant(x: &Matrix3<f64>) -> f64 {
    x.determinant().ln()
}

#[gradient]
fn log_determinant_dynamic(x: &DMatrix<f64>) -> f64 {
    x.determinant().ln()
}

#[gradient(wrt(x))]
fn trace_of_inverse(x: &Matrix3<f64>, a: &Matrix3<f64>) -> f64 {
    (x.try_inverse().unwrap() * a).trace()
}

#[gradient(wrt(x))]
fn trace_of_inverse_dynamic(x: &DMatrix<f64>, a: &DMatrix<f64>) -> f64 {
    let inverse = x.clone().try_inverse().expect("x is regular");
    (a * inverse).trace()
}

#[hessian(wrt(x))]
fn curved(x: &Vector4<f64>, a: &Matrix4<f64>) -> f64 {
    (x.transpose() * a * x)[0]
}

#[hessian(wrt(x))]
fn curved_dot(x: &DVector<f64>, a: &DMatrix<f64>) -> f64 {
    (a * x).dot(x)
}

/// The Hessian is constant.
#[hessian(wrt(x))]
fn curved_apart(a: &DMatrix<f64>, x: &DVector<f64>) -> f64 {
    let y = a.tr_mul(x);
    x.dot(&y) + x.sum() - 1.0
}

#[hessian(wrt(x))]
fn squares(a: &SMatrix<f64, 6, 3>, x: &Vector3<f64>, b: &SMatrix<f64, 6, 1>) -> f64 {
    (a * x - b).norm_squared()
}

#[hessian(wrt(x))]
fn squares_dot(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    let r = b - a * x;
    r.dot(&r)
}

#[hessian(wrt(x))]
fn squares_sum(a: &DMatrix<f64>, x: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a * x).zip_map(b, |y, b| (y - b).powi(2)).sum()
}

#[gradient(wrt(w))]
fn logistic(w: &DVector<f64>, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    y.component_mul(&(x * w))
        .map(|m| (1.0 + (-m).exp()).ln())
        .sum()
}

#[gradient(wrt(w))]
fn logistic_fused(w: &DVector<f64>, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    (x * w).zip_map(y, |z, y| (-(y * z)).exp().ln_1p()).sum()
}

#[gradient(wrt(w))]
fn logistic_static(w: &Vector3<f64>, x: &SMatrix<f64, 6, 3>, y: &SMatrix<f64, 6, 1>) -> f64 {
    (-(x * w).component_mul(y))
        .map(|m| (m.exp() + 1.0).ln())
        .sum()
}

/// Far from singular, with a positive determinant.
fn regular(random: &mut Lcg, n: usize) -> DMatrix<f64> {
    random.matrix(n, n) + DMatrix::identity(n, n) * n as f64
}

tests! {
    /// 1×1 · 1×1.
    fn p73(random) {
        let x = 1.0 + random.draw();
        let want = (x * x + 1.0).ln().cos() / (x * x + 1.0) * (2.0 * x);
        confirm(&want, &slope(x, scalar_of_scalar));
        check!(scalar_of_scalar, scalar_of_scalar_gradient, scalar_of_scalar_value_and_gradient; (x) => want);
    }

    /// 1×k · k×1.
    fn p74(random) {
        let x = random.draw();
        let outer = [x.powi(3), x.sin(), 2.0 * x.exp()];
        let inner = [x.cos(), 3.0 * x.powi(2), x.exp()];
        let want = (0..3).map(|i| outer[i] * inner[i]).sum();
        confirm(&want, &slope(x, scalar_of_vector_of_scalar));
        check!(
            scalar_of_vector_of_scalar,
            scalar_of_vector_of_scalar_gradient,
            scalar_of_vector_of_scalar_value_and_gradient;
            (x) => want, CLOSE
        );
    }

    /// 1×k · k×n.
    fn p75(random) {
        let (a, x) = (random.fixed::<3, 4>(), random.fixed::<4, 1>());
        let (da, dx) = (dynamic(&a), x.as_slice().to_vec().into());
        let u: Vec<f64> = (0..3).map(|i| (0..4).map(|j| a[(i, j)] * x[j]).sum()).collect();
        let outer = [u[0].cos() + u[1], u[1].cos() + u[0], u[2].cos()];
        let want = Vector4::from_fn(|j, _| (0..3).map(|i| outer[i] * a[(i, j)]).sum());
        confirm(&want, &slopes(&x, |x| scalar_of_vector_of_vector(&a, x)));
        check!(
            scalar_of_vector_of_vector,
            scalar_of_vector_of_vector_gradient,
            scalar_of_vector_of_vector_value_and_gradient;
            (&a, &x) => want, CLOSE
        );
        check!(
            scalar_of_vector_of_vector_dynamic,
            scalar_of_vector_of_vector_dynamic_gradient,
            scalar_of_vector_of_vector_dynamic_value_and_gradient;
            (&da, &dx) => DVector::from_column_slice(want.as_slice()), CLOSE
        );
    }

    /// m×1 · 1×1.
    fn p76(random) {
        let x = 1.0 + random.draw();
        let u = x * x;
        let want = Vector3::new(u.cos(), u.exp(), 3.0 * u * u) * (2.0 * x);
        confirm(&want, &by_differences(&SMatrix::from([x]), |x| vector_of_scalar_of_scalar(x[0])));
        check!(
            vector_of_scalar_of_scalar,
            vector_of_scalar_of_scalar_jacobian,
            vector_of_scalar_of_scalar_value_and_jacobian;
            (x) => want
        );
        check!(
            vector_of_scalar_of_scalar_dynamic,
            vector_of_scalar_of_scalar_dynamic_jacobian,
            vector_of_scalar_of_scalar_dynamic_value_and_jacobian;
            (x) => dynamic(&want)
        );
    }

    /// m×k · k×1.
    fn p77(random) {
        let (x, a) = (random.draw(), random.fixed::<3, 2>());
        let (u, du) = ([x.sin(), x.powi(3)], [x.cos(), 3.0 * x.powi(2)]);
        let row = |i: usize, u: [f64; 2]| a[(i, 0)] * u[0] + a[(i, 1)] * u[1];
        let want = Vector3::from_fn(|i, _| (1.0 - row(i, u).tanh().powi(2)) * row(i, du));
        confirm(&want, &by_differences(&SMatrix::from([x]), |x| vector_of_vector_of_scalar(x[0], &a)));
        check!(
            vector_of_vector_of_scalar,
            vector_of_vector_of_scalar_jacobian,
            vector_of_vector_of_scalar_value_and_jacobian;
            (x, &a) => want, CLOSE
        );
        check!(
            vector_of_vector_of_scalar_dynamic,
            vector_of_vector_of_scalar_dynamic_jacobian,
            vector_of_vector_of_scalar_dynamic_value_and_jacobian;
            (x, &dynamic(&a)) => dynamic(&want), CLOSE
        );
    }

    /// m×k · k×n.
    fn p78(random) {
        let (x, a, b) = (random.fixed::<4, 1>(), random.fixed::<3, 2>(), random.fixed::<2, 4>());
        let u: Vec<f64> = (0..2).map(|k| (0..4).map(|j| b[(k, j)] * x[j]).sum()).collect();
        let v = |i: usize| (0..2).map(|k| a[(i, k)] * u[k].sin()).sum::<f64>();
        let want = SMatrix::<f64, 3, 4>::from_fn(|i, j| {
            (0..2).map(|k| v(i).exp() * a[(i, k)] * u[k].cos() * b[(k, j)]).sum()
        });
        confirm(&want, &by_differences(&x, |x| vector_of_vector_of_vector(x, &a, &b)));
        check!(
            vector_of_vector_of_vector,
            vector_of_vector_of_vector_jacobian,
            vector_of_vector_of_vector_value_and_jacobian;
            (&x, &a, &b) => want, CLOSE
        );
        check!(
            vector_of_vector_of_vector_dynamic,
            vector_of_vector_of_vector_dynamic_jacobian,
            vector_of_vector_of_vector_dynamic_value_and_jacobian;
            (&DVector::from_column_slice(x.as_slice()), &dynamic(&a), &dynamic(&b)) => dynamic(&want), CLOSE
        );
    }

    /// tr(A X): Aᵀ, and A is not square.
    fn p79(random) {
        let (a, x) = (random.fixed::<4, 3>(), random.fixed::<3, 4>());
        let want = SMatrix::from_fn(|i, j| a[(j, i)]);
        confirm(&want, &slopes(&x, |x| trace_of_product(&a, x)));
        check!(trace_of_product, trace_of_product_gradient, trace_of_product_value_and_gradient; (&a, &x) => want);

        let (a, x, want) = (dynamic(&a), dynamic(&x), dynamic(&want));
        check!(
            trace_of_product_dynamic,
            trace_of_product_dynamic_gradient,
            trace_of_product_dynamic_value_and_gradient;
            (&a, &x) => want.clone()
        );
        check!(trace_as_a_dot, trace_as_a_dot_gradient, trace_as_a_dot_value_and_gradient; (&a, &x) => want);
    }

    /// tr(X A X): (A X + X A)ᵀ.
    fn p80(random) {
        let (x, a) = (random.matrix(4, 4), random.matrix(4, 4));
        let (ax, xa) = (product(&a, &x), product(&x, &a));
        let want = DMatrix::from_fn(4, 4, |i, j| ax[(j, i)] + xa[(j, i)]);
        confirm(&want, &slopes(&x, |x| trace_of_sandwich_regrouped(x, &a)));
        check!(
            trace_of_sandwich_regrouped,
            trace_of_sandwich_regrouped_gradient,
            trace_of_sandwich_regrouped_value_and_gradient;
            (&x, &a) => want.clone(), CLOSE
        );
        let (x, a) = (fixed(&x), fixed(&a));
        check!(
            trace_of_sandwich,
            trace_of_sandwich_gradient,
            trace_of_sandwich_value_and_gradient;
            (&x, &a) => fixed(&want), CLOSE
        );
    }

    /// xᵀ A x: (A + Aᵀ) x and x xᵀ.
    fn p81(random) {
        let (x, a) = (random.vector(4), random.matrix(4, 4));
        let want_x = DVector::from_fn(4, |i, _| (0..4).map(|j| (a[(i, j)] + a[(j, i)]) * x[j]).sum());
        let want_a = DMatrix::from_fn(4, 4, |i, j| x[i] * x[j]);
        confirm(&want_x, &slopes(&x, |x| quadratic_dot(x, &a)));
        confirm(&want_a, &slopes(&a, |a| quadratic_dot(&x, a)));
        let want = (want_x, want_a);
        check!(
            quadratic_dot, quadratic_dot_gradient, quadratic_dot_value_and_gradient;
            (&x, &a) => want.clone(), CLOSE
        );
        check!(
            quadratic_reversed,
            quadratic_reversed_gradient,
            quadratic_reversed_value_and_gradient;
            (&a, &x) => want.clone(), CLOSE
        );
        let (x, a) = (Vector4::from_column_slice(x.as_slice()), fixed(&a));
        let want = (Vector4::from_column_slice(want.0.as_slice()), fixed(&want.1));
        check!(quadratic, quadratic_gradient, quadratic_value_and_gradient; (&x, &a) => want, CLOSE);
    }

    /// ‖A x − b‖²: 2 Aᵀ r, 2 r xᵀ and −2 r.
    fn p82(random) {
        let (a, x, b) = (random.fixed::<6, 3>(), random.fixed::<3, 1>(), random.fixed::<6, 1>());
        let r = (0..6).map(|i| (0..3).map(|j| a[(i, j)] * x[j]).sum::<f64>() - b[i]);
        let r: Vec<f64> = r.collect();
        let want = (
            Vector3::from_fn(|j, _| (0..6).map(|i| 2.0 * a[(i, j)] * r[i]).sum()),
            SMatrix::<f64, 6, 3>::from_fn(|i, j| 2.0 * r[i] * x[j]),
            SMatrix::<f64, 6, 1>::from_fn(|i, _| -2.0 * r[i]),
        );
        confirm(&want.0, &slopes(&x, |x| least_squares(&a, x, &b)));
        confirm(&want.1, &slopes(&a, |a| least_squares(a, &x, &b)));
        confirm(&want.2, &slopes(&b, |b| least_squares(&a, &x, b)));
        check!(least_squares, least_squares_gradient, least_squares_value_and_gradient; (&a, &x, &b) => want, CLOSE);

        let column = |m: &[f64]| DVector::from_column_slice(m);
        let (a, x, b) = (dynamic(&a), column(x.as_slice()), column(b.as_slice()));
        let want = (column(want.0.as_slice()), dynamic(&want.1), column(want.2.as_slice()));
        check!(
            least_squares_dot,
            least_squares_dot_gradient,
            least_squares_dot_value_and_gradient;
            (&a, &x, &b) => want.clone(), CLOSE
        );
        check!(
            least_squares_norm,
            least_squares_norm_gradient,
            least_squares_norm_value_and_gradient;
            (&a, &x, &b) => want.clone(), CLOSE
        );
        check!(
            least_squares_product,
            least_squares_product_gradient,
            least_squares_product_value_and_gradient;
            (&a, &x, &b) => want.clone(), CLOSE
        );
    }

    /// ln det X: X⁻ᵀ, by cofactors over the determinant.
    fn p83(random) {
        for n in 2..6 {
            let x = regular(random, n);
            let want = cofactors(&x) / determinant(&x);
            confirm(&want, &slopes(&x, log_determinant_dynamic));
            check!(
                log_determinant_dynamic,
                log_determinant_dynamic_gradient,
                log_determinant_dynamic_value_and_gradient;
                (&x) => want.clone(), CLOSE
            );
            if n == 3 {
                let x = fixed(&x);
                check!(
                    log_determinant,
                    log_determinant_gradient,
                    log_determinant_value_and_gradient;
                    (&x) => fixed(&want), CLOSE
                );
            }
        }
    }

    /// tr(X⁻¹ A): −X⁻ᵀ Aᵀ X⁻ᵀ.
    fn p84(random) {
        for n in 2..6 {
            let (x, a) = (regular(random, n), random.matrix(n, n));
            let i = inverse(&x);
            let want = -product(&product(&i, &a), &i).transpose();
            confirm(&want, &slopes(&x, |x| trace_of_inverse_dynamic(x, &a)));
            check!(
                trace_of_inverse_dynamic,
                trace_of_inverse_dynamic_gradient,
                trace_of_inverse_dynamic_value_and_gradient;
                (&x, &a) => want.clone(), CLOSE
            );
            if n == 3 {
                let (x, a) = (fixed(&x), fixed(&a));
                check!(
                    trace_of_inverse,
                    trace_of_inverse_gradient,
                    trace_of_inverse_value_and_gradient;
                    (&x, &a) => fixed(&want), CLOSE
                );
            }
        }
    }

    /// The Hessian of xᵀ A x: A + Aᵀ.
    fn p85(random) {
        let (x, a) = (random.vector(4), random.matrix(4, 4));
        let want = DMatrix::from_fn(4, 4, |i, j| a[(i, j)] + a[(j, i)]);
        let slope = |i: usize| (0..4).map(|j| want[(i, j)] * x[j]).sum::<f64>();
        let gradient = DVector::from_fn(4, |i, _| slope(i));
        confirm(&gradient, &slopes(&x, |x| curved_dot(x, &a)));
        check_hessian!(
            curved_dot, curved_dot_hessian, curved_dot_value_gradient_and_hessian;
            (&x, &a) => gradient, want
        );
        check_hessian!(
            curved_apart, curved_apart_hessian, curved_apart_value_gradient_and_hessian;
            (&a, &x) => gradient.add_scalar(1.0), want
        );
        let (x, a) = (Vector4::from_column_slice(x.as_slice()), fixed(&a));
        check_hessian!(
            curved, curved_hessian, curved_value_gradient_and_hessian;
            (&x, &a) => Vector4::from_column_slice(gradient.as_slice()), fixed::<4, 4>(&want)
        );
    }

    /// The Hessian of ‖A x − b‖²: 2 Aᵀ A.
    fn p86(random) {
        let (a, x, b) = (random.fixed::<6, 3>(), random.fixed::<3, 1>(), random.fixed::<6, 1>());
        let want = Matrix3::from_fn(|i, j| (0..6).map(|k| 2.0 * a[(k, i)] * a[(k, j)]).sum());
        let r = |k: usize| (0..3).map(|j| a[(k, j)] * x[j]).sum::<f64>() - b[k];
        let gradient = Vector3::from_fn(|i, _| (0..6).map(|k| 2.0 * a[(k, i)] * r(k)).sum());
        confirm(&gradient, &slopes(&x, |x| squares(&a, x, &b)));
        check_hessian!(
            squares, squares_hessian, squares_value_gradient_and_hessian;
            (&a, &x, &b) => gradient, want
        );

        let column = |m: &[f64]| DVector::from_column_slice(m);
        let (a, x, b, want) = (dynamic(&a), column(x.as_slice()), column(b.as_slice()), dynamic(&want));
        check_hessian!(
            squares_dot, squares_dot_hessian, squares_dot_value_gradient_and_hessian;
            (&a, &x, &b) => column(gradient.as_slice()), want
        );
        check_hessian!(
            squares_sum, squares_sum_hessian, squares_sum_value_gradient_and_hessian;
            (&a, &x, &b) => column(gradient.as_slice()), want
        );
    }

    /// Σ ln(1 + exp(−yᵢ wᵀxᵢ)): −Xᵀ (y ⊗ σ(−y ⊗ X w)).
    fn p87(random) {
        let (w, x) = (random.fixed::<3, 1>(), random.fixed::<6, 3>());
        let y = random.fixed::<6, 1>().map(f64::signum);
        let margin = (0..6).map(|i| y[i] * (0..3).map(|j| x[(i, j)] * w[j]).sum::<f64>());
        let margin: Vec<f64> = margin.collect();
        let want = Vector3::from_fn(|j, _| (0..6).map(|i| -x[(i, j)] * y[i] / (1.0 + margin[i].exp())).sum());
        confirm(&want, &slopes(&w, |w| logistic_static(w, &x, &y)));
        check!(
            logistic_static, logistic_static_gradient, logistic_static_value_and_gradient;
            (&w, &x, &y) => want, CLOSE
        );

        let column = |m: &[f64]| DVector::from_column_slice(m);
        let (w, x, y, want) = (column(w.as_slice()), dynamic(&x), column(y.as_slice()), column(want.as_slice()));
        check!(logistic, logistic_gradient, logistic_value_and_gradient; (&w, &x, &y) => want.clone(), CLOSE);
        check!(
            logistic_fused,
            logistic_fused_gradient,
            logistic_fused_value_and_gradient;
            (&w, &x, &y) => want.clone(), CLOSE
        );
    }
}
