//! Where peers fail, as far as a gradient without loops and mutation can: each test is a complaint about another tool.

#[path = "paper/oracle.rs"]
#[macro_use]
mod oracle;

use nalgebra::{ComplexField, DVector, Matrix3, RealField, SMatrix, Vector2, Vector3};
use nalgrad::gradient;
use oracle::{BY_DIFFERENCES, Lcg, Tolerance, cofactors, dynamic, fixed, slope, slopes};

// "A variable that is used twice collides with itself."

#[gradient]
fn square(x: f64) -> f64 {
    x * x
}

#[gradient]
fn many_uses(x: f64) -> f64 {
    let y = x * x + x / (x + 4.0) - x + x.sin() * x;
    let x = y * x + y / (x * x);
    x * x * x - y
}

/// Names that generated code may want for itself.
#[gradient]
fn greedy_names(x: f64, x_bar: f64, value: f64, gradient: f64) -> f64 {
    let z = x * x_bar;
    let z_bar = z * value;
    let dx = z_bar.sin() * gradient;
    let tmp = dx + x;
    tmp * value
}

#[test]
fn variables_may_be_used_many_times() {
    check!(square, square_gradient, square_value_and_gradient; (3.0) => 6.0);
    for x in [-1.3, 0.7, 2.0] {
        check!(
            many_uses, many_uses_gradient, many_uses_value_and_gradient;
            (x) => slope(x, many_uses), BY_DIFFERENCES
        );
    }
}

#[test]
fn user_names_do_not_meet_generated_ones() {
    let [x, p, v, g] = [0.7, 1.1, -0.4, 2.5];
    let want = (
        slope(x, |x| greedy_names(x, p, v, g)),
        slope(p, |p| greedy_names(x, p, v, g)),
        slope(v, |v| greedy_names(x, p, v, g)),
        slope(g, |g| greedy_names(x, p, v, g)),
    );
    check!(
        greedy_names, greedy_names_gradient, greedy_names_value_and_gradient;
        (x, p, v, g) => want, BY_DIFFERENCES
    );
}

// "Twelve levels of shared lets take two minutes to compile, 200 squares half a minute."

#[gradient]
fn shared_lets(x: f64, y: f64) -> f64 {
    let a0 = x * y;
    let a1 = (a0 + a0) / (1.0 + a0 * a0);
    let a2 = a1.sin() * a1 + x;
    let a3 = a2 * a2 - a2 + y;
    let a4 = (a3 + a3) / (1.0 + a3 * a3);
    let a5 = a4.sin() * a4 + x;
    let a6 = a5 * a5 - a5 + y;
    let a7 = (a6 + a6) / (1.0 + a6 * a6);
    let a8 = a7.sin() * a7 + x;
    let a9 = a8 * a8 - a8 + y;
    let a10 = (a9 + a9) / (1.0 + a9 * a9);
    let a11 = a10.sin() * a10 + x;
    a11 * a11 - a11 + y
}

#[test]
fn twelve_levels_of_shared_lets() {
    let (x, y) = (0.6, -0.3);
    let want = (
        slope(x, |x| shared_lets(x, y)),
        slope(y, |y| shared_lets(x, y)),
    );
    check!(shared_lets, shared_lets_gradient, shared_lets_value_and_gradient; (x, y) => want, BY_DIFFERENCES);
}

#[rustfmt::skip]
#[gradient]
fn squares(x0: f64) -> f64 {
    let x1 = x0 * x0; let x2 = x1 * x1; let x3 = x2 * x2; let x4 = x3 * x3;
    let x5 = x4 * x4; let x6 = x5 * x5; let x7 = x6 * x6; let x8 = x7 * x7;
    let x9 = x8 * x8; let x10 = x9 * x9; let x11 = x10 * x10; let x12 = x11 * x11;
    let x13 = x12 * x12; let x14 = x13 * x13; let x15 = x14 * x14; let x16 = x15 * x15;
    let x17 = x16 * x16; let x18 = x17 * x17; let x19 = x18 * x18; let x20 = x19 * x19;
    let x21 = x20 * x20; let x22 = x21 * x21; let x23 = x22 * x22; let x24 = x23 * x23;
    let x25 = x24 * x24; let x26 = x25 * x25; let x27 = x26 * x26; let x28 = x27 * x27;
    let x29 = x28 * x28; let x30 = x29 * x29; let x31 = x30 * x30; let x32 = x31 * x31;
    let x33 = x32 * x32; let x34 = x33 * x33; let x35 = x34 * x34; let x36 = x35 * x35;
    let x37 = x36 * x36; let x38 = x37 * x37; let x39 = x38 * x38; let x40 = x39 * x39;
    let x41 = x40 * x40; let x42 = x41 * x41; let x43 = x42 * x42; let x44 = x43 * x43;
    let x45 = x44 * x44; let x46 = x45 * x45; let x47 = x46 * x46; let x48 = x47 * x47;
    let x49 = x48 * x48; let x50 = x49 * x49; let x51 = x50 * x50; let x52 = x51 * x51;
    let x53 = x52 * x52; let x54 = x53 * x53; let x55 = x54 * x54; let x56 = x55 * x55;
    let x57 = x56 * x56; let x58 = x57 * x57; let x59 = x58 * x58; let x60 = x59 * x59;
    let x61 = x60 * x60; let x62 = x61 * x61; let x63 = x62 * x62; let x64 = x63 * x63;
    let x65 = x64 * x64; let x66 = x65 * x65; let x67 = x66 * x66; let x68 = x67 * x67;
    let x69 = x68 * x68; let x70 = x69 * x69; let x71 = x70 * x70; let x72 = x71 * x71;
    let x73 = x72 * x72; let x74 = x73 * x73; let x75 = x74 * x74; let x76 = x75 * x75;
    let x77 = x76 * x76; let x78 = x77 * x77; let x79 = x78 * x78; let x80 = x79 * x79;
    let x81 = x80 * x80; let x82 = x81 * x81; let x83 = x82 * x82; let x84 = x83 * x83;
    let x85 = x84 * x84; let x86 = x85 * x85; let x87 = x86 * x86; let x88 = x87 * x87;
    let x89 = x88 * x88; let x90 = x89 * x89; let x91 = x90 * x90; let x92 = x91 * x91;
    let x93 = x92 * x92; let x94 = x93 * x93; let x95 = x94 * x94; let x96 = x95 * x95;
    let x97 = x96 * x96; let x98 = x97 * x97; let x99 = x98 * x98; let x100 = x99 * x99;
    let x101 = x100 * x100; let x102 = x101 * x101; let x103 = x102 * x102; let x104 = x103 * x103;
    let x105 = x104 * x104; let x106 = x105 * x105; let x107 = x106 * x106; let x108 = x107 * x107;
    let x109 = x108 * x108; let x110 = x109 * x109; let x111 = x110 * x110; let x112 = x111 * x111;
    let x113 = x112 * x112; let x114 = x113 * x113; let x115 = x114 * x114; let x116 = x115 * x115;
    let x117 = x116 * x116; let x118 = x117 * x117; let x119 = x118 * x118; let x120 = x119 * x119;
    let x121 = x120 * x120; let x122 = x121 * x121; let x123 = x122 * x122; let x124 = x123 * x123;
    let x125 = x124 * x124; let x126 = x125 * x125; let x127 = x126 * x126; let x128 = x127 * x127;
    let x129 = x128 * x128; let x130 = x129 * x129; let x131 = x130 * x130; let x132 = x131 * x131;
    let x133 = x132 * x132; let x134 = x133 * x133; let x135 = x134 * x134; let x136 = x135 * x135;
    let x137 = x136 * x136; let x138 = x137 * x137; let x139 = x138 * x138; let x140 = x139 * x139;
    let x141 = x140 * x140; let x142 = x141 * x141; let x143 = x142 * x142; let x144 = x143 * x143;
    let x145 = x144 * x144; let x146 = x145 * x145; let x147 = x146 * x146; let x148 = x147 * x147;
    let x149 = x148 * x148; let x150 = x149 * x149; let x151 = x150 * x150; let x152 = x151 * x151;
    let x153 = x152 * x152; let x154 = x153 * x153; let x155 = x154 * x154; let x156 = x155 * x155;
    let x157 = x156 * x156; let x158 = x157 * x157; let x159 = x158 * x158; let x160 = x159 * x159;
    let x161 = x160 * x160; let x162 = x161 * x161; let x163 = x162 * x162; let x164 = x163 * x163;
    let x165 = x164 * x164; let x166 = x165 * x165; let x167 = x166 * x166; let x168 = x167 * x167;
    let x169 = x168 * x168; let x170 = x169 * x169; let x171 = x170 * x170; let x172 = x171 * x171;
    let x173 = x172 * x172; let x174 = x173 * x173; let x175 = x174 * x174; let x176 = x175 * x175;
    let x177 = x176 * x176; let x178 = x177 * x177; let x179 = x178 * x178; let x180 = x179 * x179;
    let x181 = x180 * x180; let x182 = x181 * x181; let x183 = x182 * x182; let x184 = x183 * x183;
    let x185 = x184 * x184; let x186 = x185 * x185; let x187 = x186 * x186; let x188 = x187 * x187;
    let x189 = x188 * x188; let x190 = x189 * x189; let x191 = x190 * x190; let x192 = x191 * x191;
    let x193 = x192 * x192; let x194 = x193 * x193; let x195 = x194 * x194; let x196 = x195 * x195;
    let x197 = x196 * x196; let x198 = x197 * x197; let x199 = x198 * x198;
    x199 * x199
}

#[test]
fn two_hundred_squares_in_a_row() {
    // x to the power 2²⁰⁰, whose derivative at ±1 is ±2²⁰⁰.
    check!(squares, squares_gradient, squares_value_and_gradient; (1.0) => 2.0_f64.powi(200));
    check!(squares, squares_gradient, squares_value_and_gradient; (-1.0) => -2.0_f64.powi(200));
    check!(squares, squares_gradient, squares_value_and_gradient; (0.5) => 0.0);
}

// "√(x²) became x, ln(xⁿ) became n ln x: wrong for negative x."

#[gradient]
fn root_of_square(x: f64) -> f64 {
    x.powi(2).sqrt() + (x * x).sqrt()
}

#[gradient]
fn logarithm_of_powers(x: f64) -> f64 {
    x.powi(2).ln() + (x * x * x * x).ln() + x.powf(2.0).ln()
}

#[gradient]
fn logarithm_of_exponential(x: f64) -> f64 {
    x.exp().ln() + x.ln().exp()
}

#[gradient]
fn arcsine_of_sine(x: f64) -> f64 {
    x.sin().asin()
}

#[gradient]
fn power_of_power(x: f64) -> f64 {
    x.powi(2).powf(0.5) + x.powi(4).powf(0.25)
}

#[test]
fn only_identities_that_hold_for_every_real_number_are_used() {
    for x in [-3.0, -0.5, 0.5, 3.0] {
        check!(
            root_of_square, root_of_square_gradient, root_of_square_value_and_gradient;
            (x) => 2.0 * f64::signum(x)
        );
        check!(
            logarithm_of_powers, logarithm_of_powers_gradient, logarithm_of_powers_value_and_gradient;
            (x) => 8.0 / x
        );
        check!(
            power_of_power, power_of_power_gradient, power_of_power_value_and_gradient;
            (x) => 2.0 * f64::signum(x)
        );
    }
    check!(
        logarithm_of_exponential, logarithm_of_exponential_gradient, logarithm_of_exponential_value_and_gradient;
        (2.0) => 2.0
    );
    // Falls on the second quarter turn.
    check!(
        arcsine_of_sine, arcsine_of_sine_gradient, arcsine_of_sine_value_and_gradient;
        (2.0) => -1.0
    );
}

// "(1 / 2) as f64 is folded to 0.5."

#[gradient(wrt(x))]
fn integer_division(x: f64, n: i32) -> f64 {
    let half = (n / 2) as f64;
    (1 / 2) as f64 * x + half * x * x + (7 % 4) as f64
}

#[test]
fn integer_arithmetic_stays_integer() {
    assert_eq!(integer_division(3.0, 5), 21.0);
    check!(integer_division, integer_division_gradient, integer_division_value_and_gradient; (3.0, 5) => 12.0);
}

// "powi(-2), powf, f32, constants, generics, &self are refused."

const HALF: f64 = 0.5;

#[gradient]
fn inverse_square(x: f64) -> f64 {
    x.powi(-2)
}

#[gradient]
fn real_powers(x: f64) -> f64 {
    x.powf(2.5) + x.powf(-HALF) + std::f64::consts::PI.powf(x)
}

#[gradient(wrt(x))]
fn inert_exponents(x: f64, n: i32, p: f64) -> f64 {
    x.powi(n) * x.powf(p)
}

#[test]
fn powers() {
    for x in [-1.5, 0.25, 4.0] {
        check!(inverse_square, inverse_square_gradient, inverse_square_value_and_gradient; (x) => -2.0 / (x * x * x));
    }
    let x = 1.7_f64;
    let pi = std::f64::consts::PI;
    let want = 2.5 * x * x.sqrt() - 0.5 / (x * x.sqrt()) + pi.ln() * (x * pi.ln()).exp();
    check!(real_powers, real_powers_gradient, real_powers_value_and_gradient; (x) => want);
    check!(
        inert_exponents, inert_exponents_gradient, inert_exponents_value_and_gradient;
        (x, -3, 0.5) => -2.5 * (-3.5 * x.ln()).exp()
    );
}

#[gradient(wrt(x, s))]
fn single_precision(x: &Vector3<f32>, s: f32) -> f32 {
    (x * s).map(|v| v.tanh()).sum() + 0.5 * x.norm_squared()
}

#[test]
fn single_precision_is_as_good_as_double() {
    let (x, s) = (Vector3::new(0.3_f32, -1.2, 2.0), 0.7_f32);
    let slope = x.map(|v| (1.0 - (v * s).tanh().powi(2)) as f64);
    let want = (
        Vector3::from_fn(|i, _| (slope[i] * f64::from(s) + f64::from(x[i])) as f32),
        (0..3).map(|i| slope[i] * f64::from(x[i])).sum::<f64>() as f32,
    );
    check!(
        single_precision, single_precision_gradient, single_precision_value_and_gradient;
        (&x, s) => want, Tolerance::Normwise(1e-6)
    );
}

#[gradient]
fn generic<T: RealField + Copy>(x: &Vector3<T>, a: T) -> T {
    let half: T = nalgebra::convert(0.5);
    (x.norm_squared() * half + T::one()).ln() * a + (x[0] * a).sin()
}

#[gradient(wrt(m))]
fn generic_sizes<T, const R: usize, const C: usize>(m: &SMatrix<T, R, C>, x: &SMatrix<T, C, 1>) -> T
where
    T: RealField + Copy,
{
    (m * x).norm_squared()
}

#[test]
fn generic_functions() {
    let (x, a) = (Vector3::new(0.3, -1.2, 2.0), 0.7);
    let s = (0..3).map(|i| x[i] * x[i]).sum::<f64>() / 2.0 + 1.0;
    let bend = (x[0] * a).cos();
    let want = (
        x * (a / s) + Vector3::x() * (bend * a),
        s.ln() + bend * x[0],
    );
    check!(generic::<f64>, generic_gradient, generic_value_and_gradient; (&x, a) => want);

    let (x, a) = (x.map(|v| v as f32), a as f32);
    check!(
        generic::<f32>, generic_gradient, generic_value_and_gradient;
        (&x, a) => (want.0.map(|v| v as f32), want.1 as f32), Tolerance::Normwise(1e-6)
    );

    let random = &mut Lcg(9);
    let (m, x) = (random.fixed::<2, 3>(), random.fixed::<3, 1>());
    let y: Vec<f64> = (0..2)
        .map(|i| (0..3).map(|j| m[(i, j)] * x[j]).sum())
        .collect();
    check!(
        generic_sizes, generic_sizes_gradient, generic_sizes_value_and_gradient;
        (&m, &x) => SMatrix::<f64, 2, 3>::from_fn(|i, j| 2.0 * y[i] * x[j]), Tolerance::Normwise(1e-12)
    );
}

struct Spring {
    anchor: Vector3<f64>,
    rest: f64,
    stiffness: f64,
    name: &'static str,
}

impl Spring {
    const HALF: f64 = 0.5;

    #[gradient(wrt(x))]
    fn energy(&self, x: &Vector3<f64>) -> f64 {
        assert!(!self.name.is_empty());
        let stretch = (x - self.anchor).norm() - self.rest;
        0.5 * self.stiffness * stretch * stretch
    }

    #[gradient]
    fn half_square(x: f64) -> f64 {
        Self::HALF * x * x
    }
}

#[test]
fn methods_with_inert_fields() {
    let spring = Spring {
        anchor: Vector3::new(1.0, 0.0, -1.0),
        rest: 0.5,
        stiffness: 3.0,
        name: "left",
    };
    let x = Vector3::new(0.2, -0.7, 0.4);
    let d: Vec<f64> = (0..3).map(|i| x[i] - spring.anchor[i]).collect();
    let n = d.iter().map(|d| d * d).sum::<f64>().sqrt();
    let want = Vector3::from_fn(|i, _| 3.0 * (n - 0.5) * d[i] / n);
    check!(
        Spring::energy, Spring::energy_gradient, Spring::energy_value_and_gradient;
        (&spring, &x) => want, Tolerance::Normwise(1e-12)
    );
    check!(
        Spring::half_square, Spring::half_square_gradient, Spring::half_square_value_and_gradient;
        (3.0) => 3.0
    );
}

// "log(1 + e⁸⁰⁰) is NaN, the stable log-sum-exp has a silent zero gradient."

#[gradient]
fn softplus(x: f64) -> f64 {
    (1.0 + x.exp()).ln()
}

#[gradient]
fn stable_softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[test]
fn softplus_of_800() {
    for x in [-3.0_f64, 0.5, 30.0] {
        let want = 1.0 / (1.0 + (-x).exp());
        check!(softplus, softplus_gradient, softplus_value_and_gradient; (x) => want);
        check!(stable_softplus, stable_softplus_gradient, stable_softplus_value_and_gradient; (x) => want);
    }
    for (x, want) in [(800.0, 1.0), (-800.0, 0.0)] {
        check!(stable_softplus, stable_softplus_gradient, stable_softplus_value_and_gradient; (x) => want);
    }
    // The value overflows as written; the derivative is 1, or says that it is lost.
    let (value, slope) = softplus_value_and_gradient(800.0);
    assert_eq!(value, f64::INFINITY);
    for slope in [slope, softplus_gradient(800.0)] {
        assert!(slope.is_nan() || slope == 1.0, "{slope}");
    }
}

#[gradient]
fn log_sum_exp(x: &DVector<f64>) -> f64 {
    let m = x.max();
    m + x.map(|v| (v - m).exp()).sum().ln()
}

#[gradient]
fn log_sum_exp_fixed(x: &Vector3<f64>) -> f64 {
    let largest = x.max();
    let shifted = x.add_scalar(-largest);
    shifted.map(f64::exp).sum().ln() + largest
}

#[test]
fn log_sum_exp_with_its_maximum() {
    for x in [
        [0.1, 0.7, -0.3],
        [1000.0, 999.0, -1000.0],
        [2.0, 2.0, 2.0],
        [-800.0, -801.0, -803.0],
    ] {
        // softmax: 1 / Σ exp(xⱼ − xᵢ)
        let want = x.map(|xi| 1.0 / x.iter().map(|xj| (xj - xi).exp()).sum::<f64>());
        check!(
            log_sum_exp, log_sum_exp_gradient, log_sum_exp_value_and_gradient;
            (&DVector::from_column_slice(&x)) => DVector::from_column_slice(&want), Tolerance::Normwise(1e-12)
        );
        check!(
            log_sum_exp_fixed, log_sum_exp_fixed_gradient, log_sum_exp_fixed_value_and_gradient;
            (&Vector3::from(x)) => Vector3::from(want), Tolerance::Normwise(1e-12)
        );
    }
}

// "The determinant at diag(1, 1, 0) has wrong zeros."

#[gradient]
fn volume(m: &Matrix3<f64>) -> f64 {
    m.determinant()
}

#[gradient]
fn triple_product(a: &Vector3<f64>, b: &Vector3<f64>, c: &Vector3<f64>) -> f64 {
    a.cross(b).dot(c)
}

#[test]
fn determinant_at_diag_1_1_0() {
    let m = Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, 0.0));
    let want = Matrix3::from_diagonal(&Vector3::new(0.0, 0.0, 1.0));
    assert_eq!(fixed::<3, 3>(&cofactors(&dynamic(&m))), want);
    check!(volume, volume_gradient, volume_value_and_gradient; (&m) => want);
    check!(
        triple_product, triple_product_gradient, triple_product_value_and_gradient;
        (&Vector3::x(), &Vector3::y(), &Vector3::zeros()) => (Vector3::zeros(), Vector3::zeros(), Vector3::z())
    );
}

// "∇‖x‖ at 0 is NaN, abs at 0 is 1."

#[gradient]
fn lengths(x: &Vector2<f64>) -> f64 {
    x.norm() + x[0].abs() + x[1].signum()
}

#[test]
fn at_zero_norm_and_abs_have_slope_zero() {
    check!(lengths, lengths_gradient, lengths_value_and_gradient; (&Vector2::zeros()) => Vector2::zeros());
}

// "It assumes the user's name for the library."

mod renamed {
    use nalgebra as na;

    #[nalgrad::gradient(wrt(w))]
    pub fn qualified(w: &na::DVector<f64>, x: &na::DVector<f64>) -> f64 {
        let ones = na::DVector::<f64>::from_element(w.len(), 1.0);
        w.dot(x) + na::DVector::dot(&ones, w)
    }

    #[nalgrad::gradient]
    pub fn absolute(x: &::nalgebra::Vector2<f64>) -> f64 {
        let shifted = x + ::nalgebra::Vector2::new(1.0, 2.0);
        f64::powi(shifted.norm_squared(), 2)
    }
}

/// An alias: inert unless `wrt` names it.
type Weights = DVector<f64>;

#[gradient(wrt(w))]
fn aliased(w: &Weights, x: &Weights) -> f64 {
    let w: &DVector<f64> = w;
    let x: &DVector<f64> = x;
    w.dot(x)
}

#[test]
fn names_of_nalgebra() {
    let (w, x) = (
        DVector::from_vec(vec![1.0, 2.0]),
        DVector::from_vec(vec![3.0, -4.0]),
    );
    check!(
        renamed::qualified, renamed::qualified_gradient, renamed::qualified_value_and_gradient;
        (&w, &x) => DVector::from_vec(vec![4.0, -3.0])
    );
    // (a² + b²)² with a = 2, b = −1: 4 (a² + b²) a, 4 (a² + b²) b
    check!(
        renamed::absolute, renamed::absolute_gradient, renamed::absolute_value_and_gradient;
        (&Vector2::new(1.0, -3.0)) => Vector2::new(40.0, -20.0)
    );
    check!(aliased, aliased_gradient, aliased_value_and_gradient; (&w, &x) => x.clone());
}

// "It cannot be used inside macro_rules!."

macro_rules! polynomial {
    ($name:ident, $power:literal) => {
        #[gradient]
        fn $name(x: f64) -> f64 {
            let y = x.powi($power);
            y + 3.0 * x
        }
    };
}
polynomial!(quadratic, 2);
polynomial!(quintic, 5);

#[test]
fn inside_macro_rules() {
    check!(quadratic, quadratic_gradient, quadratic_value_and_gradient; (2.0) => 7.0);
    check!(quintic, quintic_gradient, quintic_value_and_gradient; (2.0) => 83.0);
}

// "Closures are refused."

#[gradient(wrt(x, c))]
fn closures(x: &DVector<f64>, c: f64, k: f64) -> f64 {
    let scaled = x.map(|v| {
        let t = v * c;
        if t > 0.0 { t * t } else { k * t }
    });
    scaled
        .zip_map(x, |s, v| s * v.cos())
        .fold(0.0, |sum, v| sum + v)
}

#[test]
fn closures_that_capture() {
    let (x, c, k) = (DVector::from_vec(vec![0.5, -1.5, 2.0]), 0.8, 0.1);
    let want = (
        slopes(&x, |x| closures(x, c, k)),
        slope(c, |c| closures(&x, c, k)),
    );
    check!(closures, closures_gradient, closures_value_and_gradient; (&x, c, k) => want, BY_DIFFERENCES);
}
