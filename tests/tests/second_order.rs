//! The products with vectors of functions of every operation, for static and dynamic sizes: compiled, against each
//! other, and those of Hessians against differences of the gradient.

#![allow(dead_code, reason = "functions are known by their companions only")]

use nalgebra::{
    DMatrix, DVector, DVectorView, Matrix1, Matrix2, Matrix3, Matrix4, RealField, RowDVector,
    SMatrix, SVector, Vector2, Vector3, Vector4,
};
use nalgrad::{gradient, hvp, jvp, vjp};

/// Central differences, extrapolated.
fn slope(f: impl Fn(f64) -> DMatrix<f64>) -> DMatrix<f64> {
    let mut column: Vec<DMatrix<f64>> = (4..9)
        .map(|k| {
            let h = 0.5_f64.powi(k);
            (f(h) - f(-h)) / (2.0 * h)
        })
        .collect();
    let mut power = 4.0;
    while column.len() > 1 {
        let better = |w: &[DMatrix<f64>]| &w[1] + (&w[1] - &w[0]) / (power - 1.0);
        column = column.windows(2).map(better).collect();
        power *= 4.0;
    }
    column.remove(0)
}

#[track_caller]
fn assert_close(found: &DMatrix<f64>, expected: &DMatrix<f64>, what: &str, tolerance: f64) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let scale = 1.0 + expected.amax();
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance * scale;
    assert!(
        found.iter().zip(expected.iter()).all(close),
        "{what}: {found} is not {expected}"
    );
}

/// What a function and its companions are called with.
trait Argument: Sized {
    fn from_dynamic(m: &DMatrix<f64>) -> Self;
    fn to_dynamic(&self) -> DMatrix<f64>;
}

macro_rules! arguments {
    ($($ty:ty: |$m:ident| $from:expr;)*) => {$(
        impl Argument for $ty {
            fn from_dynamic($m: &DMatrix<f64>) -> Self {
                $from
            }
            fn to_dynamic(&self) -> DMatrix<f64> {
                DMatrix::from_column_slice(self.nrows(), self.ncols(), self.as_slice())
            }
        }
    )*};
}

arguments! {
    DMatrix<f64>: |m| m.clone();
    DVector<f64>: |m| m.column(0).into_owned();
    Matrix4<f64>: |m| Matrix4::from_column_slice(m.as_slice());
    Vector4<f64>: |m| Vector4::from_column_slice(&m.as_slice()[..4]);
}

fn matrix(seed: f64) -> DMatrix<f64> {
    DMatrix::from_fn(4, 4, |i, j| {
        let (i, j) = (i as f64, j as f64);
        (seed * (1.0 + i + 1.7 * j) + i * j).sin() + if i == j { 5.0 } else { 0.0 }
    })
}

fn check<A: Argument, X: Argument>(
    name: &str,
    gradient: impl Fn(&A, &X) -> (A, X),
    hvp: impl Fn(&A, &X, &A, &X) -> ((A, X), (A, X)),
) {
    let [a, x, u, v] = [0.3, 0.5, 0.7, 0.9].map(matrix);
    let at = |t: f64| {
        gradient(
            &A::from_dynamic(&(&a + &u * t)),
            &X::from_dynamic(&(&x + &v * t)),
        )
    };
    let (found, product) = hvp(
        &A::from_dynamic(&a),
        &X::from_dynamic(&x),
        &A::from_dynamic(&u),
        &X::from_dynamic(&v),
    );
    let known = at(0.0);
    assert_close(&found.0.to_dynamic(), &known.0.to_dynamic(), name, 1e-12);
    assert_close(&found.1.to_dynamic(), &known.1.to_dynamic(), name, 1e-12);
    let change = slope(|t| at(t / 8.0).0.to_dynamic()) * 8.0;
    assert_close(&product.0.to_dynamic(), &change, name, 1e-7);
    let change = slope(|t| at(t / 8.0).1.to_dynamic()) * 8.0;
    assert_close(&product.1.to_dynamic(), &change, name, 1e-7);
}

/// Each body once for matrices of a static and once for those of a dynamic size.
macro_rules! functions {
    ($($name:ident |$a:ident, $x:ident| $body:block)*) => {
        functions!(@of fixed Matrix4 Vector4 $($name |$a, $x| $body)*);
        functions!(@of dynamic DMatrix DVector $($name |$a, $x| $body)*);
    };
    (@of $module:ident $matrix:ident $vector:ident $($name:ident |$a:ident, $x:ident| $body:block)*) => {
        mod $module {
            use super::*;
            $(mod $name {
                use super::*;
                #[gradient]
                #[hvp]
                #[jvp]
                #[vjp]
                fn f($a: &$matrix<f64>, $x: &$vector<f64>) -> f64 $body

                #[test]
                fn first_derivative() {
                    let [a, x, u, v] = [0.3, 0.5, 0.7, 0.9].map(super::super::matrix);
                    let [a, u] = [a, u].map(|m| $matrix::<f64>::from_dynamic(&m));
                    let [x, v] = [x, v].map(|m| $vector::<f64>::from_dynamic(&m));
                    let (value, tangent) = f_jvp(&a, &x, &u, &v);
                    assert_eq!(value, f(&a, &x));
                    let (a_bar, x_bar) = f_gradient(&a, &x);
                    let expected = a_bar.dot(&u) + x_bar.dot(&v);
                    assert!((tangent - expected).abs() <= 1e-11 * (1.0 + expected.abs()));
                    let (value, pullback) = f_vjp(&a, &x);
                    assert_eq!(value, f(&a, &x));
                    let (a_twice, x_twice) = pullback(2.0);
                    assert!((a_twice - a_bar * 2.0).amax() <= 1e-11 * (1.0 + expected.abs()));
                    assert!((x_twice - x_bar * 2.0).amax() <= 1e-11 * (1.0 + expected.abs()));
                }

                #[test]
                fn second_derivative() {
                    check(stringify!($name), f_gradient, f_hvp);
                }
            })*
        }
    };
}

functions! {
    exponentials |a, x| { (a * x).map(|z| (z / 9.0).exp() + z.sin()).sum() }
    logarithms |a, x| { (a * x).norm_squared().ln() + x.map(|z| (1.0 + z * z).ln()).sum() }
    powers |a, x| { (a * x).map(|z| (z * z + 1.0).powf(1.3) + z.powi(3)).sum() + x[0].powi(2) }
    real_exponent |a, x| { (a.norm() + 1.0).powf(x[0] / 4.0) + (1.0 + x[1] * x[1]).powf(x[2]) }
    kinks |a, x| { (a * x).map(|z| z.max(0.3) * z + z.abs() * z.min(0.1) + z.clamp(-2.0, 20.0).powi(2)).sum() }
    two_kinks |a, x| { (a * x).zip_map(x, |p, q| p.max(q) * p.hypot(q) + p.atan2(q)).sum() }
    maxima |a, x| { (a.max() * x.max() - a.min() * x.min()) * a.amax() * x.amin() }
    extremes_of_products |a, x| { (a * x).max().powi(2) + (a * x).amin().powi(3) }
    norms |a, x| { (a * x).norm() * a.norm() + x.normalize().dot(&(a * x)) }
    means |a, x| { a.mean().powi(3) + x.variance() * a.variance() + (a * x).mean().exp() }
    rows_and_columns |a, x| { a.row_sum().norm() * a.column_sum().dot(x) + a.row_mean().norm_squared() * a.column_mean().norm() }
    sums_of_squares |a, x| { a.component_mul(a).row_sum().norm() + a.map(|z| z.sin()).column_sum().dot(x).powi(2) }
    parts |a, x| {
        a.row(1).dot(&a.row(2)) * a[(1, 2)] * x[3]
            + a.column(1).norm() * x.rows(1, 2).norm_squared()
            + a.view((1, 0), (2, 3)).norm() * a[5]
            + a.fixed_view::<2, 2>(1, 1).norm_squared().powi(2)
    }
    more_parts |a, x| {
        a.rows(1, 2).norm() * a.columns(0, 3).norm() * x.fixed_rows::<2>(1).norm()
            + a.fixed_rows::<2>(0).norm() * a.fixed_columns::<3>(1).norm()
            + a.fixed_view::<1, 3>(2, 1).norm().powi(3)
    }
    diagonals |a, x| { a.diagonal().dot(x).powi(2) + a.trace().powi(3) + (a * a).trace() * x[0] }
    transposes |a, x| { (a.transpose() * a * x).norm() + a.tr_mul(x).norm_squared() * a.tr_dot(a) }
    products |a, x| { (a * a.transpose() * a).norm() + (a.transpose() * x).dot(&(a * x)) + (x * x.transpose() * a).norm() }
    outer_products |a, x| { (x * x.transpose()).component_mul(a).norm_squared() + (a + x * x.transpose()).norm() }
    quotients |a, x| { a.component_div(&a.map(|z| 2.0 + z * z)).sum() / x.norm_squared() }
    scaled |a, x| { (a * x.norm() + a.add_scalar(x[1]) * 2.0 - a / x[0]).norm() }
    inverses |a, x| { (a.clone_owned().try_inverse().unwrap() * x).norm() + a.clone_owned().try_inverse().unwrap().trace() }
    determinants |a, x| { a.determinant().powi(2) / 1e4 + a.determinant() * x[0] / 1e2 }
    log_determinants |a, x| { a.determinant().ln() * x.norm() + a.determinant().abs().ln().powi(2) }
    lu_solves |a, x| {
        let lu = a.clone_owned().lu();
        let y = lu.solve(x).unwrap();
        y.norm_squared() + y.dot(x) * lu.determinant().ln()
    }
    lu_inverses |a, x| { let lu = a.clone_owned().lu(); (lu.try_inverse().unwrap() * x).norm() * lu.determinant() / 1e2 }
    matrix_solves |a, x| { a.clone_owned().lu().solve(&(a.transpose() * a)).unwrap().norm() * x[0] }
    cholesky_solves |a, x| {
        let cholesky = a.clone_owned().cholesky().unwrap();
        x.dot(&cholesky.solve(x)) * cholesky.ln_determinant() + cholesky.determinant() / 1e2
    }
    cholesky_inverses |a, x| { let c = a.clone_owned().cholesky().unwrap(); (c.inverse() * x).norm() + c.inverse().trace() }
    cholesky_factors |a, x| { let l = a.clone_owned().cholesky().unwrap().l(); l.trace().powi(2) + (l * x).map(|z| z.sin()).sum() }
    branches |a, x| {
        let s = x.norm_squared();
        let t = if s > 1.0 { (a * x).norm().ln() * s } else { (1.0 - s).sqrt() };
        t * t + if a[0] < 0.0 { (-a[0]).ln() * x[0] } else { a[0].sqrt() * x[0].powi(2) }
    }
    branches_of_vectors |a, x| {
        let y = if x[0] > 100.0 { a.clone_owned().try_inverse().unwrap() * x } else { a * x };
        y.norm() + y.map(|z| if z > 1.0 { z.ln() } else { (2.0 - z).sqrt() * z }).sum()
    }
    branches_within_branches |a, x| {
        let y = if x[0] > 0.0 {
            let z = a * x;
            if z[1] > 0.0 { z.map(|u| u.tanh()) * z[1] } else { z }
        } else {
            -x
        };
        y.dot(&y).sqrt() + y[2].powi(3)
    }
    powers_at_run_time |a, x| {
        let n = x.len() as i32;
        a.map(|z| z.powi(n)).sum() + x[0].powi(n - 1)
    }
    softmax |a, x| {
        let z = a * x;
        let e = z.map(|u| (u - 3.0).exp());
        let s = e.sum();
        (e / s).dot(x) + s.ln()
    }
    logistic |a, x| { (a * x).map(|z| 1.0 / (1.0 + (-z).exp())).norm_squared() + (a * x).map(|z| z.exp().ln_1p()).sum() }
    reciprocals |a, x| { a.map(|z| (2.0 + z.sin()).recip().cbrt().sqrt()).sum() * x.norm().tan().atan() }
    neural_network |a, x| {
        let h = (a * x).map(|z| z.tanh());
        let o = (a.transpose() * h).map(|z| z.max(0.0));
        (o - x).norm_squared() / x.len() as f64
    }
}

// ---- other sizes, scalars and layouts ----

/// The same for a function of one parameter.
#[track_caller]
fn check_one<X: Argument>(
    x: &X,
    v: &X,
    gradient: impl Fn(&X) -> X,
    hvp: impl Fn(&X, &X) -> (X, X),
) {
    let at = |t: f64| {
        let moved = x.to_dynamic() + v.to_dynamic() * t;
        gradient(&X::from_dynamic(&moved)).to_dynamic()
    };
    let (found, product) = hvp(x, v);
    assert_close(&found.to_dynamic(), &at(0.0), "gradient", 1e-12);
    assert_close(
        &product.to_dynamic(),
        &slope(|t| at(t / 8.0)).scale(8.0),
        "product",
        1e-7,
    );
}

arguments! {
    Matrix1<f64>: |m| Matrix1::new(m[0]);
    Matrix2<f64>: |m| Matrix2::from_column_slice(m.as_slice());
    Matrix3<f64>: |m| Matrix3::from_column_slice(m.as_slice());
    Vector2<f64>: |m| Vector2::from_column_slice(m.as_slice());
    Vector3<f64>: |m| Vector3::from_column_slice(m.as_slice());
    RowDVector<f64>: |m| m.row(0).into_owned();
}

macro_rules! determinants {
    ($($name:ident $gradient:ident $hvp:ident $matrix:ident;)*) => {$(
        #[gradient]
        #[hvp]
        fn $name(a: &$matrix<f64>) -> f64 {
            a.determinant()
        }
    )*};
}

determinants! {
    determinant_1 determinant_1_gradient determinant_1_hvp Matrix1;
    determinant_2 determinant_2_gradient determinant_2_hvp Matrix2;
    determinant_3 determinant_3_gradient determinant_3_hvp Matrix3;
    determinant_4 determinant_4_gradient determinant_4_hvp Matrix4;
    determinant_n determinant_n_gradient determinant_n_hvp DMatrix;
}

/// A determinant is a polynomial: its derivatives are there for singular matrices as well.
#[test]
fn determinants_of_singular_matrices() {
    let whole = |n: usize, seed: f64| {
        let m = DMatrix::from_fn(n, n, |i, j| (seed * (1 + 3 * i + 2 * j) as f64).sin());
        m.map(|z| (4.0 * z).round())
    };
    for n in 0..=5 {
        for rank in 0..=n {
            let projection = DMatrix::from_fn(n, n, |i, j| f64::from(i == j && i < rank));
            let a = whole(n, 0.7) * projection * whole(n, 1.3);
            let v = whole(n, 2.1);
            check_one(&a, &v, determinant_n_gradient, determinant_n_hvp);
            match n {
                1 => check_fixed(&a, &v, determinant_1_gradient, determinant_1_hvp),
                2 => check_fixed(&a, &v, determinant_2_gradient, determinant_2_hvp),
                3 => check_fixed(&a, &v, determinant_3_gradient, determinant_3_hvp),
                4 => check_fixed(&a, &v, determinant_4_gradient, determinant_4_hvp),
                _ => {}
            }
        }
    }
    fn check_fixed<X: Argument>(
        a: &DMatrix<f64>,
        v: &DMatrix<f64>,
        gradient: impl Fn(&X) -> X,
        hvp: impl Fn(&X, &X) -> (X, X),
    ) {
        check_one(&X::from_dynamic(a), &X::from_dynamic(v), gradient, hvp);
    }
}

#[gradient]
#[hvp]
fn cross_3(x: &Vector3<f64>) -> f64 {
    x.cross(&x.map(f64::sin)).norm() * x[0]
}

#[gradient]
#[hvp]
fn cross_n(x: &DVector<f64>) -> f64 {
    x.cross(&x.map(f64::sin)).norm() * x[0]
}

#[test]
fn cross_products() {
    let (x, v) = (Vector3::new(0.4, -1.2, 0.9), Vector3::new(1.0, 0.5, -0.3));
    check_one(&x, &v, cross_3_gradient, cross_3_hvp);
    let [x, v] = [x, v].map(|x| DVector::from_column_slice(x.as_slice()));
    check_one(&x, &v, cross_n_gradient, cross_n_hvp);
}

#[gradient]
#[hvp]
fn of_row(x: &RowDVector<f64>) -> f64 {
    let m = x.transpose() * x;
    (x * &m).normalize().dot(x) * x.norm() + m.map(|z| z.max(0.1).powf(1.5)).sum() + x.max().powi(3)
}

#[test]
fn row_vectors() {
    let x = RowDVector::from_row_slice(&[0.4, -1.2, 0.9]);
    let v = RowDVector::from_row_slice(&[1.0, 0.5, -0.3]);
    check_one(&x, &v, of_row_gradient, of_row_hvp);
}

/// Generic over the size and the scalar, and by value.
#[gradient]
#[hvp]
fn generic<T: RealField + Copy, const N: usize>(a: SMatrix<T, N, N>, x: &SVector<T, N>, p: T) -> T {
    let y = a * x;
    y.map(|z| (z * z + z.abs()).powf(p)).sum() * x.normalize().dot(&y)
        + a.row_sum().norm()
        + y.max()
        + (a.transpose() * a).trace() * x.variance()
}

#[test]
fn generic_functions() {
    let gradient = |a: &Matrix2<f64>, x: &Vector2<f64>| {
        let (a, x, _) = generic_gradient(*a, x, 1.3);
        (a, x)
    };
    let [a, u] = [0.3, 0.7].map(|seed| Matrix2::new(1.0 + seed, 2.0 * seed, -seed, seed - 0.2));
    let [x, v] = [0.4, 0.9].map(|seed| Vector2::new(seed, 1.0 - 3.0 * seed));
    let (found, (du, dv, _)) = generic_hvp(a, &x, 1.3, u, &v, 0.0);
    assert_eq!(found, generic_gradient(a, &x, 1.3));
    let at = |t: f64| gradient(&(a + u * t), &(x + v * t));
    let change = slope(|t| at(t / 64.0).0.to_dynamic()) * 64.0;
    assert_close(&du.to_dynamic(), &change, "by a", 1e-7);
    let change = slope(|t| at(t / 64.0).1.to_dynamic()) * 64.0;
    assert_close(&dv.to_dynamic(), &change, "by x", 1e-7);
    let single = |m: &Matrix2<f64>| m.map(|z| z as f32);
    let x32 = x.map(|z| z as f32);
    let (_, (du32, ..)) = generic_hvp(single(&a), &x32, 1.3, single(&u), &v.map(|z| z as f32), 0.0);
    assert!((du32.map(f64::from) - du).amax() < 1e-3 * du.amax());
}

/// Between base and exponent, at an exponent of zero too.
#[hvp]
fn power(x: f64, p: f64) -> f64 {
    x.powf(p)
}

#[test]
fn the_slope_of_a_power_moves_with_its_exponent() {
    assert_eq!(power_hvp(2.0, 0.0, 0.0, 1.0).1, (0.5, 2.0_f64.ln().powi(2)));
    assert_eq!(power_hvp(2.0, 0.0, 1.0, 0.0).1, (0.0, 0.5));
    assert_eq!(power_hvp(0.0, 2.0, 1.0, 1.0).1, (2.0, 0.0));
}

#[gradient(wrt(x))]
#[hvp]
fn of_view(x: DVectorView<f64>, m: &DMatrix<f64>) -> f64 {
    let y = m * x;
    y.rows(0, 2).norm() * x[0] + x.map(|z| z.abs()).sum().powi(2) + x.rows(1, 2).max().exp()
}

#[test]
fn views() {
    let (storage, m) = (matrix(0.2), matrix(0.6));
    let (x, v) = (storage.column(1), m.column(2));
    let (found, product) = of_view_hvp(x, &m, v);
    assert_eq!(found, of_view_gradient(x, &m));
    let at = |t: f64| of_view_gradient((x + v * t).as_view(), &m).to_dynamic();
    assert_close(
        &product.to_dynamic(),
        &slope(|t| at(t / 8.0)).scale(8.0),
        "view",
        1e-7,
    );
}

/// A `d` before them is not always a name.
#[jvp]
#[hvp]
fn named_like_keywords(o: f64, yn: f64, r#type: f64) -> f64 {
    let r#match = o * yn * r#type;
    let o = r#match * r#match;
    let yn = o.sin();
    yn * o * yn
}

#[test]
fn names_of_tangents() {
    let f = named_like_keywords;
    let (value, tangent) = named_like_keywords_jvp(0.4, 0.5, 2.0, 1.0, 0.0, 0.0);
    assert_eq!(value, f(0.4, 0.5, 2.0));
    let (gradient, _) = named_like_keywords_hvp(0.4, 0.5, 2.0, 1.0, 0.0, 0.0);
    assert!((tangent - gradient.0).abs() < 1e-15);
}
