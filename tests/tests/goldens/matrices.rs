//! The Jacobians and Hessians of the goldens in numbers, against formulas written as plain loops.

use crate::oracle::{
    Lcg, Tolerance, assert_same, dynamic, fixed, row_difference, value_difference,
};
use crate::source::*;
use nalgebra::{DMatrix, DVector, Matrix2, Matrix4, SMatrix, Vector2, Vector3, Vector4};

/// Sums and products in another order than the formula's.
const CLOSE: Tolerance = Tolerance::Normwise(1e-12);

/// Each of these functions, a line each, has this Jacobian at these arguments.
macro_rules! jacobians {
    ($file:ident $arguments:tt => $want:expr; $($f:ident $jacobian:ident $both:ident;)*) => {
        $(check!($file::$f, $file::$jacobian, $file::$both; $arguments => $want, CLOSE);)*
    };
}

/// This gradient as a row.
macro_rules! rows {
    ($file:ident $arguments:tt => $want:expr; $($f:ident $jacobian:ident $both:ident;)*) => {
        $(check_row!($file::$f, $file::$jacobian, $file::$both; $arguments => $want);)*
    };
}

macro_rules! check_row {
    ($f:path, $jacobian:path, $both:path; ($($argument:expr),*) => $want:expr) => {
        let (value, first) = $both($($argument),*);
        assert_same(stringify!($both), value_difference(value, $f($($argument),*)));
        for row in [first, $jacobian($($argument),*)] {
            assert_same(stringify!($jacobian), row_difference(&row, &$want, CLOSE));
        }
    };
}

/// This gradient and this Hessian.
macro_rules! hessians {
    ($file:ident $arguments:tt => $gradient:expr, $want:expr; $($f:ident $hessian:ident $all:ident;)*) => {
        $(check_hessian!($file::$f, $file::$hessian, $file::$all; $arguments => $gradient, $want);)*
    };
}

fn column(entries: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(entries)
}

fn diagonal(entry: impl Fn(usize) -> f64) -> Matrix4<f64> {
    Matrix4::from_fn(|i, j| if i == j { entry(i) } else { 0.0 })
}

#[test]
fn operators() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let p = random.fixed::<2, 1>();
        let want = Matrix2::new(
            6.0 * p[0] * p[1],
            3.0 * p[0] * p[0],
            2.0,
            8.0 * p[1].powi(7),
        );
        jacobians! { partials (&p) => want;
            p17 p17_jacobian p17_value_and_jacobian;
            p17_fields p17_fields_jacobian p17_fields_value_and_jacobian;
        }
        jacobians! { partials (&column(p.as_slice())) => dynamic(&want);
            p17_dynamic p17_dynamic_jacobian p17_dynamic_value_and_jacobian;
        }
        let (w, x) = (random.fixed::<4, 1>(), random.fixed::<4, 1>());
        let (dw, dx) = (column(w.as_slice()), column(x.as_slice()));
        jacobians! { operators (&x) => diagonal(|_| 1.0);
            p19 p19_jacobian p19_value_and_jacobian;
            p19_map p19_map_jacobian p19_map_value_and_jacobian;
        }
        jacobians! { operators (&dx) => dynamic(&diagonal(|_| 1.0));
            p19_dynamic p19_dynamic_jacobian p19_dynamic_value_and_jacobian;
        }
        jacobians! { operators (&w, &x) => diagonal(|_| 1.0);
            p20 p20_jacobian p20_value_and_jacobian;
            p20_map p20_map_jacobian p20_map_value_and_jacobian;
            p21 p21_jacobian p21_value_and_jacobian;
            p22 p22_jacobian p22_value_and_jacobian;
        }
        jacobians! { operators (&dw, &dx) => dynamic(&diagonal(|_| 1.0));
            p20_dynamic p20_dynamic_jacobian p20_dynamic_value_and_jacobian;
            p20_dynamic_map p20_dynamic_map_jacobian p20_dynamic_map_value_and_jacobian;
        }
        jacobians! { operators (&w, &x) => diagonal(|_| -1.0);
            p23 p23_jacobian p23_value_and_jacobian;
            p23_negated p23_negated_jacobian p23_negated_value_and_jacobian;
        }
        jacobians! { operators (&dw, &dx) => dynamic(&diagonal(|_| -1.0));
            p23_dynamic p23_dynamic_jacobian p23_dynamic_value_and_jacobian;
        }
        jacobians! { elementwise (&w, &x) => diagonal(|i| x[i]);
            p24 p24_jacobian p24_value_and_jacobian;
            p24_reversed p24_reversed_jacobian p24_reversed_value_and_jacobian;
            p24_map p24_map_jacobian p24_map_value_and_jacobian;
        }
        jacobians! { elementwise (&dw, &dx) => dynamic(&diagonal(|i| x[i]));
            p24_dynamic p24_dynamic_jacobian p24_dynamic_value_and_jacobian;
            p24_dynamic_product p24_dynamic_product_jacobian p24_dynamic_product_value_and_jacobian;
        }
        jacobians! { elementwise (&w, &x) => diagonal(|i| w[i]);
            p25 p25_jacobian p25_value_and_jacobian;
        }
        jacobians! { elementwise (&w, &x) => diagonal(|i| 1.0 / x[i]);
            p26 p26_jacobian p26_value_and_jacobian;
            p26_map p26_map_jacobian p26_map_value_and_jacobian;
            p26_reciprocal p26_reciprocal_jacobian p26_reciprocal_value_and_jacobian;
        }
        jacobians! { elementwise (&dw, &dx) => dynamic(&diagonal(|i| 1.0 / x[i]));
            p26_dynamic p26_dynamic_jacobian p26_dynamic_value_and_jacobian;
        }
        jacobians! { elementwise (&w, &x) => diagonal(|i| -w[i] / x[i].powi(2));
            p27 p27_jacobian p27_value_and_jacobian;
            p27_map p27_map_jacobian p27_map_value_and_jacobian;
        }
        jacobians! { elementwise (&dw, &dx) => dynamic(&diagonal(|i| -w[i] / x[i].powi(2)));
            p27_dynamic p27_dynamic_jacobian p27_dynamic_value_and_jacobian;
        }
        jacobians! { elementwise (&w, &x) => diagonal(|i| w[i].cos() * x[i].exp());
            p28 p28_jacobian p28_value_and_jacobian;
            p28_map p28_map_jacobian p28_map_value_and_jacobian;
        }
        jacobians! { elementwise (&dw, &dx) => dynamic(&diagonal(|i| w[i].cos() * x[i].exp()));
            p28_dynamic p28_dynamic_jacobian p28_dynamic_value_and_jacobian;
        }
        jacobians! { elementwise (&w, &x) => diagonal(|i| w[i].sin() * x[i].exp());
            p29 p29_jacobian p29_value_and_jacobian;
        }
        jacobians! { comparisons (&w, &x) => diagonal(|_| 0.0);
            p32 p32_jacobian p32_value_and_jacobian;
            p32_reversed p32_reversed_jacobian p32_reversed_value_and_jacobian;
        }
        jacobians! { comparisons (&dw, &dx) => dynamic(&diagonal(|_| 0.0));
            p32_dynamic p32_dynamic_jacobian p32_dynamic_value_and_jacobian;
        }
        jacobians! { comparisons (&w, &x) => diagonal(|i| f64::from(w[i] < x[i]));
            p71 p71_jacobian p71_value_and_jacobian;
            p71_path p71_path_jacobian p71_path_value_and_jacobian;
        }
        jacobians! { comparisons (&dw, &dx) => dynamic(&diagonal(|i| f64::from(w[i] < x[i])));
            p71_dynamic p71_dynamic_jacobian p71_dynamic_value_and_jacobian;
        }
    }
}

#[test]
fn numbers_as_vectors() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let (x, z) = (random.fixed::<4, 1>(), random.draw());
        let dx = column(x.as_slice());
        jacobians! { scalar_expansion (&x, z) => diagonal(|_| 1.0);
            p33 p33_jacobian p33_value_and_jacobian;
            p33_map p33_map_jacobian p33_map_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&dx, z) => dynamic(&diagonal(|_| 1.0));
            p33_dynamic p33_dynamic_jacobian p33_dynamic_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&x, z) => Vector4::repeat(1.0);
            p34 p34_jacobian p34_value_and_jacobian;
            p34_repeat p34_repeat_jacobian p34_repeat_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&dx, z) => dynamic(&Vector4::repeat(1.0));
            p34_dynamic p34_dynamic_jacobian p34_dynamic_value_and_jacobian;
            p34_dynamic_map p34_dynamic_map_jacobian p34_dynamic_map_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&x, z) => diagonal(|_| z);
            p35 p35_jacobian p35_value_and_jacobian;
            p35_reversed p35_reversed_jacobian p35_reversed_value_and_jacobian;
            p35_map p35_map_jacobian p35_map_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&dx, z) => dynamic(&diagonal(|_| z));
            p35_dynamic p35_dynamic_jacobian p35_dynamic_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&x, z) => x;
            p36 p36_jacobian p36_value_and_jacobian;
            p36_map p36_map_jacobian p36_map_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&dx, z) => dynamic(&x);
            p36_dynamic p36_dynamic_jacobian p36_dynamic_value_and_jacobian;
            p36_dynamic_reversed p36_dynamic_reversed_jacobian p36_dynamic_reversed_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&x, z) => Vector4::repeat(-1.0);
            p68 p68_jacobian p68_value_and_jacobian;
            p68_map p68_map_jacobian p68_map_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&dx, z) => dynamic(&Vector4::repeat(-1.0));
            p68_dynamic p68_dynamic_jacobian p68_dynamic_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&x, z) => x.map(|x| -x / (z * z));
            p69 p69_jacobian p69_value_and_jacobian;
            p69_map p69_map_jacobian p69_map_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&dx, z) => dynamic(&x.map(|x| -x / (z * z)));
            p69_dynamic p69_dynamic_jacobian p69_dynamic_value_and_jacobian;
            p69_dynamic_reciprocal p69_dynamic_reciprocal_jacobian p69_dynamic_reciprocal_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&x, z) => diagonal(|i| -z / x[i].powi(2));
            p70 p70_jacobian p70_value_and_jacobian;
            p70_repeat p70_repeat_jacobian p70_repeat_value_and_jacobian;
            p70_reciprocal p70_reciprocal_jacobian p70_reciprocal_value_and_jacobian;
        }
        jacobians! { scalar_expansion (&dx, z) => dynamic(&diagonal(|i| -z / x[i].powi(2)));
            p70_dynamic p70_dynamic_jacobian p70_dynamic_value_and_jacobian;
        }
    }
}

#[test]
fn chains() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let t = 1.5 + random.draw();
        let want = Vector2::new(2.0 / t, 3.0 * (3.0 * t).cos());
        jacobians! { vector_chain (t) => want;
            p48 p48_jacobian p48_value_and_jacobian;
            p48_steps p48_steps_jacobian p48_steps_value_and_jacobian;
            p48_vector p48_vector_jacobian p48_vector_value_and_jacobian;
        }
        jacobians! { vector_chain (t) => dynamic(&want);
            p48_dynamic p48_dynamic_jacobian p48_dynamic_value_and_jacobian;
        }
        let (x, a) = (random.fixed::<4, 1>(), random.fixed::<3, 4>());
        let g = |i: usize| (0..4).map(|j| a[(i, j)] * x[j]).sum::<f64>();
        jacobians! { vector_chain (&x, &a) => SMatrix::<f64, 3, 4>::from_fn(|i, j| g(i).cos() * g(0) * a[(i, j)] + g(i).sin() * a[(0, j)]);
            p49 p49_jacobian p49_value_and_jacobian;
        }
        let slope = diagonal(|i| 3.0 * x[i].powi(2) * (1.0 - x[i].powi(3).tanh().powi(2)));
        let active = diagonal(|i| f64::from(x[i] > 0.0));
        let dx = column(x.as_slice());
        jacobians! { vector_chain (&x) => slope;
            p50 p50_jacobian p50_value_and_jacobian;
            p50_steps p50_steps_jacobian p50_steps_value_and_jacobian;
        }
        jacobians! { vector_chain (&dx) => dynamic(&slope);
            p50_dynamic p50_dynamic_jacobian p50_dynamic_value_and_jacobian;
        }
        jacobians! { comparisons (&x) => active;
            p58 p58_jacobian p58_value_and_jacobian;
            p58_branch p58_branch_jacobian p58_branch_value_and_jacobian;
            p58_zero_first p58_zero_first_jacobian p58_zero_first_value_and_jacobian;
        }
        jacobians! { comparisons (&dx) => dynamic(&active);
            p58_dynamic p58_dynamic_jacobian p58_dynamic_value_and_jacobian;
        }
        let u = t * t;
        jacobians! { vector_chain (t) => Vector3::new(u.cos(), u.exp(), 3.0 * u * u) * (2.0 * t);
            p76 p76_jacobian p76_value_and_jacobian;
        }
        let (a, b) = (random.fixed::<3, 2>(), random.fixed::<2, 4>());
        let row = |i: usize, u: [f64; 2]| a[(i, 0)] * u[0] + a[(i, 1)] * u[1];
        let (u, du) = ([t.sin(), t.powi(3)], [t.cos(), 3.0 * t.powi(2)]);
        jacobians! { vector_chain (t, &a) => Vector3::from_fn(|i, _| (1.0 - row(i, u).tanh().powi(2)) * row(i, du));
            p77 p77_jacobian p77_value_and_jacobian;
        }
        let u = |k: usize| (0..4).map(|j| b[(k, j)] * x[j]).sum::<f64>();
        let want = SMatrix::<f64, 3, 4>::from_fn(|i, j| {
            row(i, [u(0).cos() * b[(0, j)], u(1).cos() * b[(1, j)]])
        });
        jacobians! { vector_chain (&x, &a, &b) => want;
            p78 p78_jacobian p78_value_and_jacobian;
        }
        jacobians! { vector_chain (&dx, &dynamic(&a), &dynamic(&b)) => dynamic(&want);
            p78_dynamic p78_dynamic_jacobian p78_dynamic_value_and_jacobian;
        }
    }
}

#[test]
fn numbers_by_vectors() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let (p, x, w, z) = (
            random.fixed::<2, 1>(),
            random.fixed::<4, 1>(),
            random.fixed::<4, 1>(),
            random.draw(),
        );
        let (dx, dw) = (column(x.as_slice()), column(w.as_slice()));
        rows! { rows (&p) => Vector2::new(6.0 * p[1] * p[0], 3.0 * p[0].powi(2));
            row_p13 row_p13_jacobian row_p13_value_and_jacobian;
        }
        rows! { rows (&x) => Vector4::repeat(1.0);
            row_p38 row_p38_jacobian row_p38_value_and_jacobian;
        }
        rows! { rows (&dx, z) => Vector4::repeat(z);
            row_p39 row_p39_jacobian row_p39_value_and_jacobian;
        }
        rows! { rows (&w, &x) => x;
            row_p51 row_p51_jacobian row_p51_value_and_jacobian;
            row_p53 row_p53_jacobian row_p53_value_and_jacobian;
        }
        rows! { rows (&dw, &dx) => x;
            row_p51_dynamic row_p51_dynamic_jacobian row_p51_dynamic_value_and_jacobian;
        }
        rows! { rows (&dx) => Vector4::repeat(0.25);
            row_p72 row_p72_jacobian row_p72_value_and_jacobian;
        }
        rows! { rows (&x) => x.map(|x| 2.0 * x);
            row_square row_square_jacobian row_square_value_and_jacobian;
        }
        rows! { rows (&dx) => x.map(|x| 2.0 * x);
            row_square_dynamic row_square_dynamic_jacobian row_square_dynamic_value_and_jacobian;
        }
    }
}

#[test]
fn second_derivatives() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let (x, a) = (random.vector(4), random.matrix(4, 4));
        let want = DMatrix::from_fn(4, 4, |i, j| a[(i, j)] + a[(j, i)]);
        let gradient = DVector::from_fn(4, |i, _| (0..4).map(|j| want[(i, j)] * x[j]).sum());
        hessians! { hessians (&x, &a) => gradient, want;
            p85 p85_hessian p85_value_gradient_and_hessian;
            p85_reversed p85_reversed_hessian p85_reversed_value_gradient_and_hessian;
            p85_product p85_product_hessian p85_product_value_gradient_and_hessian;
        }
        hessians! { hessians (&Vector4::from_column_slice(x.as_slice()), &fixed(&a)) => Vector4::from_column_slice(gradient.as_slice()), fixed::<4, 4>(&want);
            p85_static p85_static_hessian p85_static_value_gradient_and_hessian;
        }

        let (a, x, b) = (random.matrix(6, 3), random.vector(3), random.vector(6));
        let want = DMatrix::from_fn(3, 3, |i, j| {
            (0..6).map(|k| 2.0 * a[(k, i)] * a[(k, j)]).sum()
        });
        let r = |k: usize| (0..3).map(|j| a[(k, j)] * x[j]).sum::<f64>() - b[k];
        let gradient = DVector::from_fn(3, |i, _| (0..6).map(|k| 2.0 * a[(k, i)] * r(k)).sum());
        hessians! { hessians (&x, &a, &b) => gradient, want;
            p86 p86_hessian p86_value_gradient_and_hessian;
            p86_steps p86_steps_hessian p86_steps_value_gradient_and_hessian;
            p86_product p86_product_hessian p86_product_value_gradient_and_hessian;
            p86_sum p86_sum_hessian p86_sum_value_gradient_and_hessian;
        }
        hessians! { hessians (&Vector3::from_column_slice(x.as_slice()), &fixed(&a), &SMatrix::from_column_slice(b.as_slice())) => Vector3::from_column_slice(gradient.as_slice()), fixed::<3, 3>(&want);
            p86_static p86_static_hessian p86_static_value_gradient_and_hessian;
        }
    }
}
