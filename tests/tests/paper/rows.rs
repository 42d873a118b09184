//! The rows of P1 to P72 with a number as value, in the order of the paper: each in its most natural spelling, many in
//! others that must come to the same; as a gradient, and as a row.

use crate::cases::rows;
use nalgebra::{DMatrix, DVector, SMatrix, SVector, Vector2, Vector4};
use nalgrad::{gradient, jacobian};

// Review: scalar derivative rules.

#[gradient(wrt(_x))]
#[jacobian]
fn p1(_x: f64) -> f64 {
    99.0
}

#[gradient(wrt(x))]
#[jacobian]
fn p1_times_zero(x: f64) -> f64 {
    0.0 * x + 99.0
}

#[gradient(wrt(x))]
#[jacobian]
fn p2(x: f64) -> f64 {
    3.0 * x
}

#[gradient(wrt(x))]
#[jacobian]
fn p2_sum(x: f64) -> f64 {
    let y = x;
    y + x + y
}

#[gradient(wrt(x))]
#[jacobian]
fn p3(x: f64) -> f64 {
    x.powi(3)
}

#[gradient]
#[jacobian]
fn p3_product(t: f64) -> f64 {
    t * t * t
}

#[gradient]
#[jacobian]
fn p3_square_times(x: f64) -> f64 {
    let square = x * x;
    square * x
}

#[gradient]
#[jacobian]
fn p3_powf(x: f64) -> f64 {
    f64::powf(x, 3.0)
}

#[gradient(wrt(x))]
#[jacobian]
fn p4(x: f64) -> f64 {
    x.powi(2) + 3.0 * x
}

#[gradient]
#[jacobian]
fn p4_factored(a: f64) -> f64 {
    (a + 3.0) * a
}

#[gradient(wrt(x))]
#[jacobian]
fn p5(x: f64) -> f64 {
    x.powi(2) - 3.0 * x
}

#[gradient]
#[jacobian]
fn p5_negated(x: f64) -> f64 {
    -(x * 3.0) + x * x
}

#[gradient(wrt(x))]
#[jacobian]
fn p6(x: f64) -> f64 {
    x.powi(2) * x
}

#[gradient]
#[jacobian]
fn p6_reordered(x: f64) -> f64 {
    x * (x * x)
}

#[gradient(wrt(x))]
#[jacobian]
fn p7(x: f64) -> f64 {
    x.powi(2).ln()
}

#[gradient]
#[jacobian]
fn p7_product(x: f64) -> f64 {
    f64::ln(x * x)
}

#[gradient(wrt(x))]
#[jacobian]
fn p8(x: f64) -> f64 {
    9.0 * (x + x.powi(2))
}

#[gradient]
#[jacobian]
fn p8_reordered(x: f64) -> f64 {
    const NINE: f64 = 9.0;
    let inner = {
        let square = x * x;
        square + x
    };
    inner * NINE
}

// Introduction to vector calculus and partial derivatives.

#[gradient(wrt(x))]
#[jacobian]
fn p9(x: f64, y: f64) -> f64 {
    x * y
}

#[gradient(wrt(y))]
#[jacobian]
fn p10(x: f64, y: f64) -> f64 {
    x * y
}

#[gradient(wrt(x))]
#[jacobian]
fn p11(x: f64, y: f64) -> f64 {
    3.0 * x.powi(2) * y
}

#[gradient(wrt(x))]
#[jacobian]
fn p11_reordered(x: f64, y: f64) -> f64 {
    y * x * 3.0 * x
}

#[gradient(wrt(y))]
#[jacobian]
fn p12(x: f64, y: f64) -> f64 {
    3.0 * x.powi(2) * y
}

#[gradient(wrt(x))]
#[jacobian]
fn p13(x: &Vector2<f64>) -> f64 {
    3.0 * x[0].powi(2) * x[1]
}

#[gradient]
#[jacobian]
fn p13_fields(x: &Vector2<f64>) -> f64 {
    x.y * (3.0 * x.x * x.x)
}

#[gradient]
#[jacobian]
fn p13_pair(v: &DVector<f64>) -> f64 {
    let (a, b) = (v[0], v[1]);
    let a = a * a;
    3.0 * (b * a)
}

// Matrix calculus.

#[gradient(wrt(x))]
#[jacobian]
fn p14(x: f64, y: f64) -> f64 {
    2.0 * x + y.powi(8)
}

#[gradient(wrt(y))]
#[jacobian]
fn p15(x: f64, y: f64) -> f64 {
    2.0 * x + y.powi(8)
}

#[gradient(wrt(y))]
#[jacobian]
fn p15_squares(x: f64, y: f64) -> f64 {
    let y = y * y;
    let y = y * y;
    y * y + (x + x)
}

#[gradient(wrt(x))]
#[jacobian]
fn p16(x: &Vector2<f64>) -> f64 {
    2.0 * x[0] + x[1].powi(8)
}

#[gradient]
#[jacobian]
fn p16_dynamic(x: &DVector<f64>) -> f64 {
    x[1].powf(8.0) + x[0] * 2.0
}

// Vector sum reduction.

#[gradient(wrt(x))]
#[jacobian]
fn p37(x: &Vector4<f64>) -> f64 {
    x[0].powi(2) * x[1] + x[1].powi(2) * x[2] + x[2].powi(2) * x[3] + x[3].powi(2) * x[0]
}

#[gradient]
#[jacobian]
fn p37_shifted(x: &Vector4<f64>) -> f64 {
    let next = Vector4::new(x[1], x[2], x[3], x[0]);
    x.component_mul(x).component_mul(&next).sum()
}

#[gradient]
#[jacobian]
fn p37_views(x: &DVector<f64>) -> f64 {
    let (here, next) = (x.rows(0, 3), x.rows(1, 3));
    here.zip_map(&next, |a, b| a * a * b).sum() + x[3] * x[3] * x[0]
}

#[gradient(wrt(x))]
#[jacobian]
fn p38(x: &Vector4<f64>) -> f64 {
    x.sum()
}

#[gradient]
#[jacobian]
fn p38_fold(x: &DVector<f64>) -> f64 {
    x.fold(0.0, |sum, entry| sum + entry)
}

#[gradient]
#[jacobian]
fn p38_ones(x: &Vector4<f64>) -> f64 {
    Vector4::repeat(1.0).dot(x)
}

#[gradient(wrt(x))]
#[jacobian]
fn p39(x: &Vector4<f64>, z: f64) -> f64 {
    (x * z).sum()
}

#[gradient(wrt(x))]
#[jacobian]
fn p39_map(x: &DVector<f64>, z: f64) -> f64 {
    x.map(|entry| z * entry).sum()
}

#[gradient(wrt(x))]
#[jacobian]
fn p39_outside(x: &DVector<f64>, z: f64) -> f64 {
    z * x.sum()
}

#[gradient(wrt(z))]
#[jacobian]
fn p40(x: &Vector4<f64>, z: f64) -> f64 {
    (x * z).sum()
}

#[gradient(wrt(z))]
#[jacobian]
fn p40_map(x: &DVector<f64>, z: f64) -> f64 {
    x.map(|entry| z * entry).sum()
}

// The chain rules.

#[gradient(wrt(w))]
#[jacobian]
fn p41(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    (w + x).sum()
}

#[gradient(wrt(w))]
#[jacobian]
fn p41_apart(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    x.sum() + w.sum()
}

#[gradient(wrt(x))]
#[jacobian]
fn p42(x: f64) -> f64 {
    x.powi(2).sin()
}

#[gradient]
#[jacobian]
fn p42_steps(x: f64) -> f64 {
    let u = x * x;
    let y: f64 = u.sin();
    y
}

#[gradient(wrt(x))]
#[jacobian]
fn p43(x: f64) -> f64 {
    x.powi(3).sin().powi(2).ln()
}

#[gradient]
#[jacobian]
fn p43_steps(x: f64) -> f64 {
    let u1 = x * x * x;
    let u2 = u1.sin();
    let u3 = u2 * u2;
    u3.ln()
}

#[gradient(wrt(x))]
#[jacobian]
fn p44(x: f64) -> f64 {
    x + x.powi(2)
}

#[gradient]
#[jacobian]
fn p44_factored(x: f64) -> f64 {
    x * (1.0 + x)
}

#[gradient(wrt(x))]
#[jacobian]
fn p45(x: f64) -> f64 {
    (x + x.powi(2)).sin()
}

#[gradient]
#[jacobian]
fn p45_steps(x: f64) -> f64 {
    let u1 = x.powi(2);
    let u2 = x + u1;
    u2.sin()
}

#[gradient(wrt(x))]
#[jacobian]
fn p46(x: f64) -> f64 {
    let u = x.powi(2);
    x * u
}

#[gradient(wrt(x))]
#[jacobian]
fn p47(x: f64) -> f64 {
    let u1 = x.sin();
    let u2 = x.powi(3);
    u1 * u2 + x
}

#[gradient]
#[jacobian]
fn p47_at_once(x: f64) -> f64 {
    x + x * x * x * x.sin()
}

// The gradient of neuron activation.

#[gradient(wrt(w))]
#[jacobian]
fn p51(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.dot(x)
}

#[gradient(wrt(w))]
#[jacobian]
fn p51_product(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    (w.transpose() * x)[0]
}

#[gradient(wrt(w))]
#[jacobian]
fn p51_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    x.tr_mul(w)[(0, 0)]
}

#[gradient(wrt(x))]
#[jacobian]
fn p52(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.dot(x)
}

#[gradient(wrt(x))]
#[jacobian]
fn p52_product(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    (x.transpose() * w)[0]
}

#[gradient(wrt(w))]
#[jacobian]
fn p53(w: &Vector4<f64>, x: &Vector4<f64>) -> f64 {
    w.component_mul(x).sum()
}

#[gradient(wrt(w))]
#[jacobian]
fn p53_zip_map(w: &DVector<f64>, x: &DVector<f64>) -> f64 {
    x.zip_map(w, |a, b| a * b).sum()
}

#[gradient(wrt(w))]
#[jacobian]
fn p54(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    w.dot(x) + b
}

#[gradient(wrt(w))]
#[jacobian]
fn p54_reordered(w: &DVector<f64>, x: &DVector<f64>, b: f64) -> f64 {
    b + (x.transpose() * w)[(0, 0)]
}

#[gradient(wrt(b))]
#[jacobian]
fn p55(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    w.dot(x) + b
}

#[gradient(wrt(z))]
#[jacobian]
fn p56(z: f64) -> f64 {
    z.max(0.0)
}

#[gradient]
#[jacobian]
fn p56_zero_first(z: f64) -> f64 {
    0.0_f64.max(z)
}

#[gradient]
#[jacobian]
fn p56_branch(z: f64) -> f64 {
    if z > 0.0 { z } else { 0.0 }
}

#[gradient(wrt(z))]
#[jacobian]
fn p57(z: f64) -> f64 {
    z.max(0.0)
}

#[gradient]
#[jacobian]
fn p57_zero_first(z: f64) -> f64 {
    f64::max(0.0, z)
}

#[gradient]
#[jacobian]
fn p57_named_zero(z: f64) -> f64 {
    const ZERO: f64 = 0.0;
    z.max(ZERO)
}

#[gradient]
#[jacobian]
fn p57_branch(z: f64) -> f64 {
    if z <= 0.0 { 0.0 } else { z }
}

#[gradient(wrt(w))]
#[jacobian]
fn p59(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    (w.dot(x) + b).max(0.0)
}

#[gradient(wrt(w))]
#[jacobian]
fn p59_branch(w: &DVector<f64>, x: &DVector<f64>, b: f64) -> f64 {
    let z = x.dot(w) + b;
    if z > 0.0 { z } else { 0.0 }
}

#[gradient(wrt(b))]
#[jacobian]
fn p60(w: &Vector4<f64>, x: &Vector4<f64>, b: f64) -> f64 {
    (w.dot(x) + b).max(0.0)
}

// The gradient of the neural network loss function. A row of X is a sample.

#[gradient(wrt(w))]
#[jacobian]
fn p61(w: &Vector4<f64>, x: &Vector4<f64>, b: f64, y: f64) -> f64 {
    y - (w.dot(x) + b).max(0.0)
}

#[gradient(wrt(b))]
#[jacobian]
fn p62(w: &Vector4<f64>, x: &Vector4<f64>, b: f64, y: f64) -> f64 {
    y - (w.dot(x) + b).max(0.0)
}

#[gradient(wrt(w))]
#[jacobian]
pub fn p63(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let n = y.len() as f64;
    (y - (x * w).add_scalar(b).map(|z| z.max(0.0))).norm_squared() / n
}

#[gradient(wrt(w))]
#[jacobian]
fn p63_fused(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    y.zip_map(&(x * w), |y, z| (y - (z + b).max(0.0)).powi(2))
        .mean()
}

#[gradient(wrt(w))]
#[jacobian]
fn p63_static(w: &Vector4<f64>, b: f64, x: &SMatrix<f64, 6, 4>, y: &SVector<f64, 6>) -> f64 {
    let activation = (x * w + SVector::<f64, 6>::repeat(b)).map(|z| if z > 0.0 { z } else { 0.0 });
    let error = activation - y;
    error.dot(&error) / 6.0
}

#[gradient(wrt(b))]
#[jacobian]
fn p64(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let n = y.len() as f64;
    (y - (x * w).add_scalar(b).map(|z| z.max(0.0))).norm_squared() / n
}

#[gradient(wrt(b))]
#[jacobian]
fn p64_fused(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    (x * w)
        .zip_map(y, |z, y| (y - (b + z).max(0.0)).powi(2))
        .sum()
        / y.nrows() as f64
}

#[gradient(wrt(w))]
#[jacobian]
fn p65(w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let n = y.len() as f64;
    (y - (x * w).add_scalar(b).map(|z| z.max(0.0))).norm_squared() / n
}

#[gradient(wrt(w))]
#[jacobian]
fn p65_one_sample(w: &Vector4<f64>, b: f64, x: &SMatrix<f64, 1, 4>, y: &SVector<f64, 1>) -> f64 {
    let error = y[0] - ((x * w)[0] + b).max(0.0);
    error * error
}

#[gradient(wrt(what))]
#[jacobian]
fn p66(what: &DVector<f64>, xhat: &DMatrix<f64>, y: &DVector<f64>) -> f64 {
    let n = y.len() as f64;
    (y - (xhat * what).map(|z| z.max(0.0))).norm_squared() / n
}

#[gradient(wrt(what))]
#[jacobian]
fn p66_static(what: &SVector<f64, 5>, xhat: &SMatrix<f64, 6, 5>, y: &SVector<f64, 6>) -> f64 {
    ((xhat * what).map(|z| z.max(0.0)) - y).map(|e| e * e).sum() / 6.0
}

// Derived companions.

#[gradient(wrt(x))]
#[jacobian]
fn p72(x: &Vector4<f64>) -> f64 {
    x.mean()
}

#[gradient]
#[jacobian]
fn p72_dynamic(x: &DVector<f64>) -> f64 {
    x.sum() / x.len() as f64
}

rows! {
    p1 p1_gradient p1_value_and_gradient p1_jacobian (x);
    p1_times_zero p1_times_zero_gradient p1_times_zero_value_and_gradient p1_times_zero_jacobian (x);
    p2 p2_gradient p2_value_and_gradient p2_jacobian (x);
    p2_sum p2_sum_gradient p2_sum_value_and_gradient p2_sum_jacobian (x);
    p3 p3_gradient p3_value_and_gradient p3_jacobian (x);
    p3_product p3_product_gradient p3_product_value_and_gradient p3_product_jacobian (x);
    p3_square_times p3_square_times_gradient p3_square_times_value_and_gradient p3_square_times_jacobian (x);
    p3_powf p3_powf_gradient p3_powf_value_and_gradient p3_powf_jacobian (x);
    p4 p4_gradient p4_value_and_gradient p4_jacobian (x);
    p4_factored p4_factored_gradient p4_factored_value_and_gradient p4_factored_jacobian (x);
    p5 p5_gradient p5_value_and_gradient p5_jacobian (x);
    p5_negated p5_negated_gradient p5_negated_value_and_gradient p5_negated_jacobian (x);
    p6 p6_gradient p6_value_and_gradient p6_jacobian (x);
    p6_reordered p6_reordered_gradient p6_reordered_value_and_gradient p6_reordered_jacobian (x);
    p7 p7_gradient p7_value_and_gradient p7_jacobian (x);
    p7_product p7_product_gradient p7_product_value_and_gradient p7_product_jacobian (x);
    p8 p8_gradient p8_value_and_gradient p8_jacobian (x);
    p8_reordered p8_reordered_gradient p8_reordered_value_and_gradient p8_reordered_jacobian (x);
    p9 p9_gradient p9_value_and_gradient p9_jacobian (x, y);
    p10 p10_gradient p10_value_and_gradient p10_jacobian (x, y);
    p11 p11_gradient p11_value_and_gradient p11_jacobian (x, y);
    p11_reordered p11_reordered_gradient p11_reordered_value_and_gradient p11_reordered_jacobian (x, y);
    p12 p12_gradient p12_value_and_gradient p12_jacobian (x, y);
    p13 p13_gradient p13_value_and_gradient p13_jacobian (x);
    p13_fields p13_fields_gradient p13_fields_value_and_gradient p13_fields_jacobian (x);
    p13_pair p13_pair_gradient p13_pair_value_and_gradient p13_pair_jacobian (x);
    p14 p14_gradient p14_value_and_gradient p14_jacobian (x, y);
    p15 p15_gradient p15_value_and_gradient p15_jacobian (x, y);
    p15_squares p15_squares_gradient p15_squares_value_and_gradient p15_squares_jacobian (x, y);
    p16 p16_gradient p16_value_and_gradient p16_jacobian (x);
    p16_dynamic p16_dynamic_gradient p16_dynamic_value_and_gradient p16_dynamic_jacobian (x);
    p37 p37_gradient p37_value_and_gradient p37_jacobian (x);
    p37_shifted p37_shifted_gradient p37_shifted_value_and_gradient p37_shifted_jacobian (x);
    p37_views p37_views_gradient p37_views_value_and_gradient p37_views_jacobian (x);
    p38 p38_gradient p38_value_and_gradient p38_jacobian (x);
    p38_fold p38_fold_gradient p38_fold_value_and_gradient p38_fold_jacobian (x);
    p38_ones p38_ones_gradient p38_ones_value_and_gradient p38_ones_jacobian (x);
    p39 p39_gradient p39_value_and_gradient p39_jacobian (x, z);
    p39_map p39_map_gradient p39_map_value_and_gradient p39_map_jacobian (x, z);
    p39_outside p39_outside_gradient p39_outside_value_and_gradient p39_outside_jacobian (x, z);
    p40 p40_gradient p40_value_and_gradient p40_jacobian (x, z);
    p40_map p40_map_gradient p40_map_value_and_gradient p40_map_jacobian (x, z);
    p41 p41_gradient p41_value_and_gradient p41_jacobian (w, x);
    p41_apart p41_apart_gradient p41_apart_value_and_gradient p41_apart_jacobian (w, x);
    p42 p42_gradient p42_value_and_gradient p42_jacobian (x);
    p42_steps p42_steps_gradient p42_steps_value_and_gradient p42_steps_jacobian (x);
    p43 p43_gradient p43_value_and_gradient p43_jacobian (x);
    p43_steps p43_steps_gradient p43_steps_value_and_gradient p43_steps_jacobian (x);
    p44 p44_gradient p44_value_and_gradient p44_jacobian (x);
    p44_factored p44_factored_gradient p44_factored_value_and_gradient p44_factored_jacobian (x);
    p45 p45_gradient p45_value_and_gradient p45_jacobian (x);
    p45_steps p45_steps_gradient p45_steps_value_and_gradient p45_steps_jacobian (x);
    p46 p46_gradient p46_value_and_gradient p46_jacobian (x);
    p47 p47_gradient p47_value_and_gradient p47_jacobian (x);
    p47_at_once p47_at_once_gradient p47_at_once_value_and_gradient p47_at_once_jacobian (x);
    p51 p51_gradient p51_value_and_gradient p51_jacobian (w, x);
    p51_product p51_product_gradient p51_product_value_and_gradient p51_product_jacobian (w, x);
    p51_dynamic p51_dynamic_gradient p51_dynamic_value_and_gradient p51_dynamic_jacobian (w, x);
    p52 p52_gradient p52_value_and_gradient p52_jacobian (w, x);
    p52_product p52_product_gradient p52_product_value_and_gradient p52_product_jacobian (w, x);
    p53 p53_gradient p53_value_and_gradient p53_jacobian (w, x);
    p53_zip_map p53_zip_map_gradient p53_zip_map_value_and_gradient p53_zip_map_jacobian (w, x);
    p54 p54_gradient p54_value_and_gradient p54_jacobian (w, x, b);
    p54_reordered p54_reordered_gradient p54_reordered_value_and_gradient p54_reordered_jacobian (w, x, b);
    p55 p55_gradient p55_value_and_gradient p55_jacobian (w, x, b);
    p56 p56_gradient p56_value_and_gradient p56_jacobian (z);
    p56_zero_first p56_zero_first_gradient p56_zero_first_value_and_gradient p56_zero_first_jacobian (z);
    p56_branch p56_branch_gradient p56_branch_value_and_gradient p56_branch_jacobian (z);
    p57 p57_gradient p57_value_and_gradient p57_jacobian (z);
    p57_zero_first p57_zero_first_gradient p57_zero_first_value_and_gradient p57_zero_first_jacobian (z);
    p57_named_zero p57_named_zero_gradient p57_named_zero_value_and_gradient p57_named_zero_jacobian (z);
    p57_branch p57_branch_gradient p57_branch_value_and_gradient p57_branch_jacobian (z);
    p59 p59_gradient p59_value_and_gradient p59_jacobian (w, x, b);
    p59_branch p59_branch_gradient p59_branch_value_and_gradient p59_branch_jacobian (w, x, b);
    p60 p60_gradient p60_value_and_gradient p60_jacobian (w, x, b);
    p61 p61_gradient p61_value_and_gradient p61_jacobian (w, x, b, y);
    p62 p62_gradient p62_value_and_gradient p62_jacobian (w, x, b, y);
    p63 p63_gradient p63_value_and_gradient p63_jacobian (w, b, X, y);
    p63_fused p63_fused_gradient p63_fused_value_and_gradient p63_fused_jacobian (w, b, X, y);
    p63_static p63_static_gradient p63_static_value_and_gradient p63_static_jacobian (w, b, X, y);
    p64 p64_gradient p64_value_and_gradient p64_jacobian (w, b, X, y);
    p64_fused p64_fused_gradient p64_fused_value_and_gradient p64_fused_jacobian (w, b, X, y);
    p65 p65_gradient p65_value_and_gradient p65_jacobian (w, b, X, y);
    p65_one_sample p65_one_sample_gradient p65_one_sample_value_and_gradient p65_one_sample_jacobian (w, b, X, y);
    p66 p66_gradient p66_value_and_gradient p66_jacobian (what, Xh, y);
    p66_static p66_static_gradient p66_static_value_and_gradient p66_static_jacobian (what, Xh, y);
    p72 p72_gradient p72_value_and_gradient p72_jacobian (x);
    p72_dynamic p72_dynamic_gradient p72_dynamic_value_and_gradient p72_dynamic_jacobian (x);
}
