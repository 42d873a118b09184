//! The same functions in numbers: values bit for bit, gradients against formulas written as plain loops.

use crate::oracle::{
    BY_DIFFERENCES, Lcg, Tolerance, cofactors, determinant, dynamic, fixed, inverse, product,
    slopes,
};
use crate::source::*;
use nalgebra::{DMatrix, DVector, Matrix3, SMatrix, SVector, Vector2, Vector3, Vector4};

/// Sums and products in another order than the formula's.
const CLOSE: Tolerance = Tolerance::Normwise(1e-12);

/// Each of these functions, a line each, has this gradient at these arguments.
macro_rules! rows {
    ($file:ident $arguments:tt => $want:expr; $($rest:tt)*) => {
        rows! { $file $arguments => $want, CLOSE; $($rest)* }
    };
    ($file:ident $arguments:tt => $want:expr, $tolerance:expr; $($f:ident $gradient:ident $both:ident;)*) => {
        $(check!($file::$f, $file::$gradient, $file::$both; $arguments => $want, $tolerance);)*
    };
}

fn column(entries: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(entries)
}

fn sum(n: usize, term: impl Fn(usize) -> f64) -> f64 {
    (0..n).map(term).sum()
}

/// `2/N Σ eᵢ xᵢ` over the samples with a positive activation, and `2/N Σ eᵢ`.
fn loss_gradient(
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (DVector<f64>, f64) {
    let n = y.len();
    let z = |i: usize| sum(w.len(), |j| x[(i, j)] * w[j]) + b;
    let e = |i: usize| {
        if z(i) > 0.0 {
            2.0 / n as f64 * (z(i) - y[i])
        } else {
            0.0
        }
    };
    (
        DVector::from_fn(w.len(), |j, _| sum(n, |i| e(i) * x[(i, j)])),
        sum(n, e),
    )
}

fn regular(random: &mut Lcg, n: usize) -> DMatrix<f64> {
    random.matrix(n, n) + DMatrix::identity(n, n) * n as f64
}

#[test]
fn scalars() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let x = 1.5 + random.draw();
        let y = random.draw();
        rows! { scalar_rules (x) => 0.0;
            p1 p1_gradient p1_value_and_gradient;
            p1_times_zero p1_times_zero_gradient p1_times_zero_value_and_gradient;
        }
        rows! { scalar_rules (x) => 3.0;
            p2 p2_gradient p2_value_and_gradient;
            p2_sum p2_sum_gradient p2_sum_value_and_gradient;
        }
        rows! { scalar_rules (x) => 3.0 * x.powi(2);
            p3 p3_gradient p3_value_and_gradient;
            p3_product p3_product_gradient p3_product_value_and_gradient;
            p3_steps p3_steps_gradient p3_steps_value_and_gradient;
            p3_powf p3_powf_gradient p3_powf_value_and_gradient;
        }
        rows! { scalar_rules (x) => 2.0 * x + 3.0;
            p4 p4_gradient p4_value_and_gradient;
            p4_reordered p4_reordered_gradient p4_reordered_value_and_gradient;
            p4_factored p4_factored_gradient p4_factored_value_and_gradient;
        }
        rows! { scalar_rules (x) => 2.0 * x - 3.0;
            p5 p5_gradient p5_value_and_gradient;
            p5_negated p5_negated_gradient p5_negated_value_and_gradient;
        }
        rows! { scalar_rules (x) => 3.0 * x.powi(2);
            p6 p6_gradient p6_value_and_gradient;
            p6_reordered p6_reordered_gradient p6_reordered_value_and_gradient;
        }
        rows! { scalar_rules (x) => 2.0 / x;
            p7 p7_gradient p7_value_and_gradient;
            p7_product p7_product_gradient p7_product_value_and_gradient;
        }
        rows! { scalar_rules (x) => 9.0 + 18.0 * x;
            p8 p8_gradient p8_value_and_gradient;
            p8_reordered p8_reordered_gradient p8_reordered_value_and_gradient;
            p8_expanded p8_expanded_gradient p8_expanded_value_and_gradient;
        }
        rows! { partials (x, y) => y;
            p9 p9_gradient p9_value_and_gradient;
        }
        rows! { partials (x, y) => x;
            p10 p10_gradient p10_value_and_gradient;
        }
        rows! { partials (x, y) => 6.0 * y * x;
            p11 p11_gradient p11_value_and_gradient;
            p11_reordered p11_reordered_gradient p11_reordered_value_and_gradient;
        }
        rows! { partials (x, y) => 3.0 * x * x;
            p12 p12_gradient p12_value_and_gradient;
            p12_reordered p12_reordered_gradient p12_reordered_value_and_gradient;
        }
        rows! { partials (&Vector2::new(x, y)) => Vector2::new(6.0 * x * y, 3.0 * x * x);
            p13 p13_gradient p13_value_and_gradient;
            p13_reordered p13_reordered_gradient p13_reordered_value_and_gradient;
            p13_fields p13_fields_gradient p13_fields_value_and_gradient;
        }
        rows! { partials (&column(&[x, y])) => column(&[6.0 * x * y, 3.0 * x * x]);
            p13_dynamic p13_dynamic_gradient p13_dynamic_value_and_gradient;
        }
        rows! { partials (x, y) => 2.0;
            p14 p14_gradient p14_value_and_gradient;
        }
        rows! { partials (y, x) => 8.0 * x.powi(7);
            p15 p15_gradient p15_value_and_gradient;
            p15_reordered p15_reordered_gradient p15_reordered_value_and_gradient;
        }
        rows! { partials (&Vector2::new(y, x)) => Vector2::new(2.0, 8.0 * x.powi(7));
            p16 p16_gradient p16_value_and_gradient;
            p16_reordered p16_reordered_gradient p16_reordered_value_and_gradient;
        }
        rows! { partials (&column(&[y, x])) => column(&[2.0, 8.0 * x.powi(7)]);
            p16_dynamic p16_dynamic_gradient p16_dynamic_value_and_gradient;
        }
        rows! { chain_rules (x) => 2.0 * x * (x * x).cos();
            p42 p42_gradient p42_value_and_gradient;
            p42_steps p42_steps_gradient p42_steps_value_and_gradient;
            p42_product p42_product_gradient p42_product_value_and_gradient;
        }
        rows! { chain_rules (x) => 6.0 * x * x * (x * x * x).cos() / (x * x * x).sin();
            p43 p43_gradient p43_value_and_gradient;
            p43_steps p43_steps_gradient p43_steps_value_and_gradient;
            p43_product p43_product_gradient p43_product_value_and_gradient;
            p43_twice p43_twice_gradient p43_twice_value_and_gradient;
        }
        rows! { chain_rules (x) => 1.0 + 2.0 * x;
            p44 p44_gradient p44_value_and_gradient;
            p44_factored p44_factored_gradient p44_factored_value_and_gradient;
        }
        rows! { chain_rules (x) => (x + x * x).cos() * (1.0 + 2.0 * x);
            p45 p45_gradient p45_value_and_gradient;
            p45_steps p45_steps_gradient p45_steps_value_and_gradient;
            p45_product p45_product_gradient p45_product_value_and_gradient;
        }
        rows! { chain_rules (x) => 3.0 * x * x;
            p46 p46_gradient p46_value_and_gradient;
            p46_powers p46_powers_gradient p46_powers_value_and_gradient;
        }
        rows! { neuron (y) => if y > 0.0 { 1.0 } else { 0.0 };
            p56 p56_gradient p56_value_and_gradient;
            p56_zero_first p56_zero_first_gradient p56_zero_first_value_and_gradient;
            p56_branch p56_branch_gradient p56_branch_value_and_gradient;
            p57 p57_gradient p57_value_and_gradient;
        }
        rows! { neuron (0.0) => 0.0;
            p56 p56_gradient p56_value_and_gradient;
            p56_zero_first p56_zero_first_gradient p56_zero_first_value_and_gradient;
            p56_branch p56_branch_gradient p56_branch_value_and_gradient;
            p57 p57_gradient p57_value_and_gradient;
        }
        rows! { huber (y, 0.5) => y.clamp(-0.5, 0.5);
            huber huber_gradient huber_value_and_gradient;
        }
    }
}

#[test]
fn vectors() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let v = random.fixed::<4, 1>();
        let u = random.fixed::<4, 1>();
        let z = random.draw();
        let (dv, du) = (column(v.as_slice()), column(u.as_slice()));
        let positive = (0..4).map(|i| v[i] * u[i]).sum::<f64>() + z > 0.0;
        let step = if positive { 1.0 } else { 0.0 };
        rows! { sums (&v) => Vector4::repeat(1.0);
            p38 p38_gradient p38_value_and_gradient;
            p38_ones p38_ones_gradient p38_ones_value_and_gradient;
            p38_entries p38_entries_gradient p38_entries_value_and_gradient;
        }
        rows! { sums (&dv) => column(&[1.0; 4]);
            p38_dynamic p38_dynamic_gradient p38_dynamic_value_and_gradient;
            p38_dynamic_fold p38_dynamic_fold_gradient p38_dynamic_fold_value_and_gradient;
        }
        rows! { sums (&v, z) => Vector4::repeat(z);
            p39 p39_gradient p39_value_and_gradient;
            p39_outside p39_outside_gradient p39_outside_value_and_gradient;
            p39_map p39_map_gradient p39_map_value_and_gradient;
        }
        rows! { sums (&v, z) => sum(4, |i| v[i]);
            p40 p40_gradient p40_value_and_gradient;
            p40_map p40_map_gradient p40_map_value_and_gradient;
        }
        rows! { sums (&dv, z) => sum(4, |i| v[i]);
            p40_dynamic p40_dynamic_gradient p40_dynamic_value_and_gradient;
        }
        rows! { sums (&v, &u) => Vector4::repeat(1.0);
            p41 p41_gradient p41_value_and_gradient;
            p41_apart p41_apart_gradient p41_apart_value_and_gradient;
        }
        rows! { sums (&v) => Vector4::repeat(0.25);
            p72 p72_gradient p72_value_and_gradient;
            p72_quotient p72_quotient_gradient p72_quotient_value_and_gradient;
        }
        rows! { sums (&dv) => column(&[0.25; 4]);
            p72_dynamic p72_dynamic_gradient p72_dynamic_value_and_gradient;
            p72_dynamic_quotient p72_dynamic_quotient_gradient p72_dynamic_quotient_value_and_gradient;
        }
        rows! { neuron (&v, &u) => u;
            p51 p51_gradient p51_value_and_gradient;
            p51_reversed p51_reversed_gradient p51_reversed_value_and_gradient;
            p51_product p51_product_gradient p51_product_value_and_gradient;
        }
        rows! { neuron (&dv, &du) => du.clone();
            p51_dynamic p51_dynamic_gradient p51_dynamic_value_and_gradient;
        }
        rows! { neuron (&v, &u) => v;
            p52 p52_gradient p52_value_and_gradient;
        }
        rows! { neuron (&v, &u) => u;
            p53 p53_gradient p53_value_and_gradient;
        }
        rows! { neuron (&dv, &du) => du.clone();
            p53_zip_map p53_zip_map_gradient p53_zip_map_value_and_gradient;
        }
        rows! { neuron (&v, &u, z) => u;
            p54 p54_gradient p54_value_and_gradient;
        }
        rows! { neuron (&v, &u, z) => 1.0;
            p55 p55_gradient p55_value_and_gradient;
        }
        rows! { neuron (&v, &u, z) => Vector4::from_fn(|i, _| step * u[i]);
            p59 p59_gradient p59_value_and_gradient;
            p59_branch p59_branch_gradient p59_branch_value_and_gradient;
        }
        rows! { neuron (&dv, &du, z) => DVector::from_fn(4, |i, _| step * u[i]);
            p59_dynamic p59_dynamic_gradient p59_dynamic_value_and_gradient;
        }
        rows! { neuron (&v, &u, z) => step;
            p60 p60_gradient p60_value_and_gradient;
        }
        rows! { log_sum_exp (&v) => Vector4::from_fn(|i, _| v[i].exp() / sum(4, |j| v[j].exp()));
            log_sum_exp log_sum_exp_gradient log_sum_exp_value_and_gradient;
        }
        rows! { roughness (&dv) => DVector::from_fn(4, |i, _| {
            let before = if i > 0 { v[i] - v[i - 1] } else { 0.0 };
            let after = if i < 3 { v[i] - v[i + 1] } else { 0.0 };
            2.0 / 3.0 * (before + after)
        });
            roughness roughness_gradient roughness_value_and_gradient;
        }
        let (a, x) = (
            dynamic(&SMatrix::<f64, 2, 4>::from_fn(|i, j| v[j] - 0.3 * i as f64)),
            dynamic(&SMatrix::<f64, 4, 3>::from_fn(|i, j| u[i] + 0.7 * j as f64)),
        );
        rows! { energy (&a, &dv, &x) => DVector::from_fn(4, |i, _| {
            let y = |k: usize, j: usize| sum(4, |l| a[(k, l)] * (x[(l, j)] - v[l]));
            -sum(2, |k| sum(3, |j| a[(k, i)] * y(k, j)))
        });
            energy energy_gradient energy_value_and_gradient;
        }
        rows! { likelihood (&dv, &du, &dv.map(|t| t + 2.0)) => {
            let (r, s) = (|i: usize| v[i] - u[i], |i: usize| v[i] + 2.0);
            (DVector::from_fn(4, |i, _| -r(i) / s(i).powi(2)), DVector::from_fn(4, |i, _| 1.0 / s(i) - r(i).powi(2) / s(i).powi(3)))
        };
            likelihood likelihood_gradient likelihood_value_and_gradient;
        }
    }
}

#[test]
fn losses() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let w = random.vector(4);
        let b = random.draw();
        let x = random.matrix(6, 4);
        let y = random.vector(6);
        let (want_w, want_b) = loss_gradient(&w, b, &x, &y);
        rows! { loss (&w, b, &x, &y) => want_w.clone();
            p63 p63_gradient p63_value_and_gradient;
            p63_renamed p63_renamed_gradient p63_renamed_value_and_gradient;
            p63_fused p63_fused_gradient p63_fused_value_and_gradient;
        }
        rows! { loss (&fixed(&DMatrix::from_column_slice(4, 1, w.as_slice())), b, &fixed(&x), &SVector::from_column_slice(y.as_slice())) => Vector4::from_column_slice(want_w.as_slice());
            p63_static p63_static_gradient p63_static_value_and_gradient;
        }
        rows! { loss (&w, b, &x, &y) => want_b;
            p64 p64_gradient p64_value_and_gradient;
        }
        rows! { loss (&w, &x, &y) => loss_gradient(&w, 0.0, &x, &y).0;
            p66 p66_gradient p66_value_and_gradient;
        }
        rows! { cost (&w, b, &x, &y) => (want_w.clone(), want_b);
            cost cost_gradient cost_value_and_gradient;
        }
    }
}

#[test]
fn logistic_losses() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let w = random.fixed::<3, 1>();
        let x = random.fixed::<6, 3>();
        let y = random.fixed::<6, 1>().map(f64::signum);
        let slope = |i: usize| -y[i] / (1.0 + (y[i] * sum(3, |j| x[(i, j)] * w[j])).exp());
        let want = Vector3::from_fn(|j, _| sum(6, |i| slope(i) * x[(i, j)]));
        rows! { logistic (&column(w.as_slice()), &dynamic(&x), &column(y.as_slice())) => column(want.as_slice());
            p87 p87_gradient p87_value_and_gradient;
            p87_renamed p87_renamed_gradient p87_renamed_value_and_gradient;
            p87_fused p87_fused_gradient p87_fused_value_and_gradient;
        }
        rows! { logistic (&w, &x, &y) => want;
            p87_static p87_static_gradient p87_static_value_and_gradient;
        }
    }
}

#[test]
fn products() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let a = random.fixed::<4, 3>();
        let x = random.fixed::<3, 4>();
        let (m, n) = (random.matrix(4, 4), random.matrix(4, 4));
        let v = random.fixed::<4, 1>();
        let dv = column(v.as_slice());
        rows! { traces (&dynamic(&a), &dynamic(&x)) => DMatrix::from_fn(3, 4, |i, j| a[(j, i)]);
            p79 p79_gradient p79_value_and_gradient;
            p79_reversed p79_reversed_gradient p79_reversed_value_and_gradient;
            p79_dot p79_dot_gradient p79_dot_value_and_gradient;
        }
        rows! { traces (&a, &x) => SMatrix::from_fn(|i, j| a[(j, i)]);
            p79_static p79_static_gradient p79_static_value_and_gradient;
        }
        rows! { traces (&m, &n) => DMatrix::from_fn(4, 4, |i, j| sum(4, |k| m[(j, k)] * n[(k, i)] + n[(j, k)] * m[(k, i)]));
            p80 p80_gradient p80_value_and_gradient;
            p80_regrouped p80_regrouped_gradient p80_regrouped_value_and_gradient;
        }
        rows! { quadratic_form (&dv, &m) => (DVector::from_fn(4, |i, _| sum(4, |j| (m[(i, j)] + m[(j, i)]) * v[j])), DMatrix::from_fn(4, 4, |i, j| v[i] * v[j]));
            p81 p81_gradient p81_value_and_gradient;
            p81_reversed p81_reversed_gradient p81_reversed_value_and_gradient;
            p81_product p81_product_gradient p81_product_value_and_gradient;
        }
        rows! { quadratic_form (&v, &fixed(&m)) => (Vector4::from_fn(|i, _| sum(4, |j| (m[(i, j)] + m[(j, i)]) * v[j])), SMatrix::from_fn(|i, j| v[i] * v[j]));
            p81_static p81_static_gradient p81_static_value_and_gradient;
        }
    }
}

#[test]
fn residuals() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let a = random.fixed::<6, 3>();
        let x = random.fixed::<3, 1>();
        let b = random.fixed::<6, 1>();
        let r = |i: usize| sum(3, |j| a[(i, j)] * x[j]) - b[i];
        let want = (
            Vector3::from_fn(|j, _| sum(6, |i| 2.0 * a[(i, j)] * r(i))),
            SMatrix::<f64, 6, 3>::from_fn(|i, j| 2.0 * r(i) * x[j]),
            SVector::<f64, 6>::from_fn(|i, _| -2.0 * r(i)),
        );
        rows! { least_squares (&dynamic(&a), &column(x.as_slice()), &column(b.as_slice())) => (column(want.0.as_slice()), dynamic(&want.1), column(want.2.as_slice()));
            p82 p82_gradient p82_value_and_gradient;
            p82_steps p82_steps_gradient p82_steps_value_and_gradient;
            p82_norm p82_norm_gradient p82_norm_value_and_gradient;
            p82_product p82_product_gradient p82_product_value_and_gradient;
            p82_sum p82_sum_gradient p82_sum_value_and_gradient;
        }
        rows! { least_squares (&a, &x, &b) => want;
            p82_static p82_static_gradient p82_static_value_and_gradient;
        }
    }
}

#[test]
fn inverses() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let x = regular(random, 3);
        let a = random.matrix(3, 3);
        let i = inverse(&x);
        let want = -product(&product(&i, &a), &i).transpose();
        let log_slope = cofactors(&x) / determinant(&x);
        let (mu, lambda) = (1.5, 0.25);
        rows! { traces (&x, &a) => want.clone();
            p84 p84_gradient p84_value_and_gradient;
            p84_reversed p84_reversed_gradient p84_reversed_value_and_gradient;
        }
        rows! { traces (&fixed(&x), &fixed(&a)) => fixed::<3, 3>(&want);
            p84_static p84_static_gradient p84_static_value_and_gradient;
        }
        rows! { log_determinant (&x) => log_slope.clone();
            p83 p83_gradient p83_value_and_gradient;
            p83_steps p83_steps_gradient p83_steps_value_and_gradient;
            p83_lu p83_lu_gradient p83_lu_value_and_gradient;
        }
        rows! { log_determinant (&fixed(&x)) => fixed::<3, 3>(&log_slope);
            p83_static p83_static_gradient p83_static_value_and_gradient;
        }
        rows! { neo_hookean (&fixed(&x), mu, lambda) => Matrix3::from_fn(|i, j| mu * x[(i, j)] + (lambda * determinant(&x).ln() - mu) * log_slope[(i, j)]);
            neo_hookean neo_hookean_gradient neo_hookean_value_and_gradient;
        }
    }
}

#[test]
fn densities() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let (x, mean) = (random.vector(3), random.vector(3));
        let factor = regular(random, 3);
        let covariance = product(&factor, &factor.transpose());
        // Only the lower triangle is read: an entry below the diagonal stands for two.
        let precision = inverse(&covariance);
        let scaled = |i: usize| sum(3, |j| precision[(i, j)] * (x[j] - mean[j]));
        let want = (
            DVector::from_fn(3, |i, _| scaled(i)),
            DMatrix::from_fn(3, 3, |i, j| {
                let slope = 0.5 * (scaled(i) * scaled(j) - precision[(i, j)]);
                slope
                    * [0.0, 1.0, 2.0][if i < j {
                        0
                    } else if i == j {
                        1
                    } else {
                        2
                    }]
            }),
        );
        rows! { gaussian (&x, &mean, &covariance) => want.clone();
            gaussian gaussian_gradient gaussian_value_and_gradient;
        }
    }
}

#[test]
fn programs() {
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let [a, b, c] = [(); 3].map(|()| random.fixed::<3, 1>());
        let want = (
            slopes(&a, |a| angle::angle(*a, b, c)),
            slopes(&b, |b| angle::angle(a, *b, c)),
            slopes(&c, |c| angle::angle(a, b, *c)),
        );
        rows! { angle (a, b, c) => want, BY_DIFFERENCES;
            angle angle_gradient angle_value_and_gradient;
        }

        let (w, x, labels) = (
            random.matrix(2, 3),
            random.matrix(3, 4),
            random.matrix(2, 4),
        );
        let logits = product(&w, &x);
        let error = DMatrix::from_fn(2, 4, |i, k| {
            logits[(i, k)].exp() / sum(2, |l| logits[(l, k)].exp()) - labels[(i, k)]
        });
        let want = product(&error, &x.transpose());
        rows! { softmax (&w, &x, &labels) => want.clone();
            softmax softmax_gradient softmax_value_and_gradient;
        }
    }
}

#[test]
fn in_loops() {
    use loops::sweep_jvp;
    let random = &mut Lcg(7);
    for _ in 0..5 {
        let a: SVector<f64, 3> = random.fixed::<3, 1>();
        let (times, heights) = (random.matrix(6, 1), random.matrix(6, 1));
        let (t, y) = (times.as_slice(), heights.as_slice());
        let error = |i: usize| a[0] * (-a[1] * t[i]).exp() + a[2] - y[i];
        let slope = |k: usize, i: usize| match k {
            0 => (-a[1] * t[i]).exp(),
            1 => -a[0] * t[i] * (-a[1] * t[i]).exp(),
            _ => 1.0,
        };
        let want = Vector3::from_fn(|k, _| sum(6, |i| error(i) * slope(k, i)));
        rows! { loops (&a, t, y) => want;
            misfit misfit_gradient misfit_value_and_gradient;
        }

        let at = Vector2::new(random.draw(), 1.5 + random.draw());
        let slopes = slopes(&at, |p| loops::pendulum(p[0], p[1], 40));
        rows! { loops (at[0], at[1], 40) => (slopes[0], slopes[1]), BY_DIFFERENCES;
            pendulum pendulum_gradient pendulum_value_and_gradient;
        }

        let (x, dx) = (random.vector(5), random.vector(5));
        let (mut want, mut tangents) = (x.clone(), dx.clone());
        for i in 1..5 {
            let product = want[i - 1] * want[i];
            tangents[i] = product.cos() * (want[i - 1] * tangents[i] + tangents[i - 1] * want[i]);
            want[i] = product.sin();
        }
        let (value, tangent) = sweep_jvp(&x, &dx);
        assert_eq!(value, want);
        assert_eq!(loops::sweep(&x), want);
        assert!((tangent - tangents).amax() < 1e-14);
    }
}
