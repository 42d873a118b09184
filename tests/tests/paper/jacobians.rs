//! The rows of P1 to P72 with a vector as value, in the order of the paper: each in its most natural spelling and with
//! dynamic sizes, many in others that must come to the same.

use crate::cases::jacobians;
use crate::oracle::{Entries, assert_same, difference};
use nalgebra::{
    DMatrix, DVector, Matrix2, Matrix3x4, Matrix4, SMatrix, SVector, Vector2, Vector3, Vector4,
};
use nalgrad::jacobian;

// Matrix calculus.

#[jacobian]
fn p17(x: &Vector2<f64>) -> Vector2<f64> {
    Vector2::new(3.0 * x[0].powi(2) * x[1], 2.0 * x[0] + x[1].powi(8))
}

#[jacobian]
fn p17_fields(p: &Vector2<f64>) -> Vector2<f64> {
    let second = p.y.powf(8.0) + p.x * 2.0;
    Vector2::new(p.y * p.x * 3.0 * p.x, second)
}

#[jacobian]
fn p17_dynamic(x: &DVector<f64>) -> DVector<f64> {
    DVector::from_vec(vec![3.0 * x[0].powi(2) * x[1], 2.0 * x[0] + x[1].powi(8)])
}

#[jacobian]
fn p17_product(x: &Vector2<f64>) -> Vector2<f64> {
    let square = x.component_mul(x);
    Vector2::new(3.0 * square[0] * x[1], x[1].powi(8) + (x + x)[0])
}

#[jacobian]
fn p19(x: &Vector4<f64>) -> Vector4<f64> {
    *x
}

#[jacobian]
fn p19_map(x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|entry| entry)
}

#[jacobian]
fn p19_product(x: &Vector4<f64>) -> Vector4<f64> {
    Matrix4::identity() * x
}

#[jacobian]
fn p19_dynamic(x: &DVector<f64>) -> DVector<f64> {
    x.clone()
}

// Derivatives of vector element-wise binary operators.

#[jacobian(wrt(w))]
fn p20(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w + x
}

#[jacobian(wrt(w))]
fn p20_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.zip_map(w, |x, w| x + w)
}

#[jacobian(wrt(w))]
fn p20_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w + x
}

#[jacobian(wrt(x))]
fn p21(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w + x
}

#[jacobian(wrt(x))]
fn p21_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    x + w
}

#[jacobian(wrt(w))]
fn p22(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w - x
}

#[jacobian(wrt(w))]
fn p22_negated(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    -(x - w)
}

#[jacobian(wrt(w))]
fn p22_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w - x
}

#[jacobian(wrt(x))]
fn p23(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w - x
}

#[jacobian(wrt(x))]
fn p23_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| -x + w)
}

#[jacobian(wrt(x))]
fn p23_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w - x
}

#[jacobian(wrt(w))]
fn p24(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_mul(x)
}

#[jacobian(wrt(w))]
fn p24_reversed(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.component_mul(w)
}

#[jacobian(wrt(w))]
fn p24_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| w * x)
}

#[jacobian(wrt(w))]
fn p24_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.component_mul(x)
}

#[jacobian(wrt(w))]
fn p24_product(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    DMatrix::from_diagonal(x) * w
}

#[jacobian(wrt(x))]
fn p25(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_mul(x)
}

#[jacobian(wrt(x))]
fn p25_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.component_mul(x)
}

#[jacobian(wrt(x))]
fn p25_product(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    Matrix4::from_diagonal(w) * x
}

#[jacobian(wrt(w))]
fn p26(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_div(x)
}

#[jacobian(wrt(w))]
fn p26_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| w / x)
}

#[jacobian(wrt(w))]
fn p26_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.component_div(x)
}

#[jacobian(wrt(x))]
fn p27(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.component_div(x)
}

#[jacobian(wrt(x))]
fn p27_reciprocal(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| x.recip()).component_mul(w)
}

#[jacobian(wrt(x))]
fn p27_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.component_div(x)
}

#[jacobian(wrt(w))]
fn p28(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.map(f64::sin).component_mul(&x.map(f64::exp))
}

#[jacobian(wrt(w))]
fn p28_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| w.sin() * x.exp())
}

#[jacobian(wrt(w))]
fn p28_entries(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    Vector4::new(
        w[0].sin() * x[0].exp(),
        w[1].sin() * x[1].exp(),
        w[2].sin() * x[2].exp(),
        w[3].sin() * x[3].exp(),
    )
}

#[jacobian(wrt(w))]
fn p28_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    let (f, g) = (w.map(|w| w.sin()), x.map(|x| x.exp()));
    g.component_mul(&f)
}

#[jacobian(wrt(x))]
fn p29(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.map(f64::sin).component_mul(&x.map(f64::exp))
}

#[jacobian(wrt(x))]
fn p29_map(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| w.sin() * x.exp())
}

#[jacobian(wrt(x))]
fn p29_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.map(f64::sin).component_mul(&x.map(f64::exp))
}

#[jacobian(wrt(w))]
fn p30(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, f64::max)
}

#[jacobian(wrt(w))]
fn p30_reversed(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.zip_map(w, |x, w| x.max(w))
}

#[jacobian(wrt(w))]
fn p30_branch(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| if w > x { w } else { x })
}

#[jacobian(wrt(w))]
fn p30_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.zip_map(x, |w, x| w.max(x))
}

#[jacobian(wrt(x))]
fn p31(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, f64::max)
}

#[jacobian(wrt(x))]
fn p31_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.zip_map(x, |w, x| w.max(x))
}

#[jacobian(wrt(w))]
fn p32(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, |w, x| if w > x { 1.0 } else { 0.0 })
}

#[jacobian(wrt(w))]
fn p32_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    x.zip_map(w, |x, w| if x < w { 1.0 } else { 0.0 })
}

// Derivatives involving scalar expansion.

#[jacobian(wrt(x))]
fn p33(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.add_scalar(z)
}

#[jacobian(wrt(x))]
fn p33_repeat(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    Vector4::repeat(z) + x
}

#[jacobian(wrt(x))]
fn p33_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.add_scalar(z)
}

#[jacobian(wrt(z))]
fn p34(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.add_scalar(z)
}

#[jacobian(wrt(z))]
fn p34_repeat(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    Vector4::repeat(z) + x
}

#[jacobian(wrt(z))]
fn p34_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.map(|x| z + x)
}

#[jacobian(wrt(x))]
fn p35(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x * z
}

#[jacobian(wrt(x))]
fn p35_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| x * z)
}

#[jacobian(wrt(x))]
fn p35_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    z * x
}

#[jacobian(wrt(z))]
fn p36(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x * z
}

#[jacobian(wrt(z))]
fn p36_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| x * z)
}

#[jacobian(wrt(z))]
fn p36_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    z * x
}

// Vector chain rule.

#[jacobian]
fn p48(x: f64) -> Vector2<f64> {
    Vector2::new(x.powi(2).ln(), (3.0 * x).sin())
}

#[jacobian]
fn p48_vector(x: f64) -> Vector2<f64> {
    let g = Vector2::new(x * x, 3.0 * x);
    Vector2::new(g[0].ln(), g[1].sin())
}

#[jacobian]
fn p48_dynamic(x: f64) -> DVector<f64> {
    DVector::from_vec(vec![f64::ln(x * x), f64::sin(x * 3.0)])
}

#[jacobian(wrt(x))]
fn p49(x: &Vector4<f64>, a: &Matrix3x4<f64>) -> Vector3<f64> {
    let g = a * x;
    g.map(|g| g.sin()) * g[0]
}

#[jacobian(wrt(x))]
fn p49_map(x: &Vector4<f64>, a: &Matrix3x4<f64>) -> Vector3<f64> {
    let g = a * x;
    let first = g[0];
    g.map(|g| first * g.sin())
}

#[jacobian(wrt(x))]
fn p49_dynamic(x: &DVector<f64>, a: &DMatrix<f64>) -> DVector<f64> {
    let g = a * x;
    g[0] * g.map(f64::sin)
}

#[jacobian]
fn p50(x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| x.powi(3).tanh())
}

#[jacobian]
fn p50_steps(x: &Vector4<f64>) -> Vector4<f64> {
    let g = x.component_mul(x).component_mul(x);
    g.map(f64::tanh)
}

#[jacobian]
fn p50_dynamic(x: &DVector<f64>) -> DVector<f64> {
    x.map(|x| (x * x * x).tanh())
}

// The gradient of neuron activation.

#[jacobian]
fn p58(x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| x.max(0.0))
}

#[jacobian]
fn p58_branch(x: &Vector4<f64>) -> Vector4<f64> {
    x.map(|x| if x > 0.0 { x } else { 0.0 })
}

#[jacobian]
fn p58_zeros(x: &Vector4<f64>) -> Vector4<f64> {
    Vector4::zeros().zip_map(x, f64::max)
}

#[jacobian]
fn p58_dynamic(x: &DVector<f64>) -> DVector<f64> {
    x.map(|x| f64::max(0.0, x))
}

// The gradient of the neural network loss function: a step of gradient descent.

#[jacobian(wrt(eta))]
fn p67(eta: f64, w: &DVector<f64>, b: f64, x: &DMatrix<f64>, y: &DVector<f64>) -> DVector<f64> {
    let dw: DVector<f64> = crate::rows::p63_gradient(w, b, x, y);
    w - eta * dw
}

#[jacobian(wrt(eta))]
fn p67_inline(
    eta: f64,
    w: &DVector<f64>,
    b: f64,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> DVector<f64> {
    let error = (x * w)
        .add_scalar(b)
        .zip_map(y, |z, y| if z > 0.0 { z - y } else { 0.0 });
    w - x.tr_mul(&error) * (2.0 * eta / y.len() as f64)
}

#[jacobian(wrt(eta))]
fn p67_static(
    eta: f64,
    w: &Vector4<f64>,
    b: f64,
    x: &SMatrix<f64, 6, 4>,
    y: &SVector<f64, 6>,
) -> Vector4<f64> {
    let error = (x * w)
        .add_scalar(b)
        .zip_map(y, |z, y| if z > 0.0 { z - y } else { 0.0 });
    w - eta / 3.0 * x.tr_mul(&error)
}

// Derived companions.

#[jacobian(wrt(z))]
fn p68(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.add_scalar(-z)
}

#[jacobian(wrt(z))]
fn p68_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| x - z)
}

#[jacobian(wrt(z))]
fn p68_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x.add_scalar(-z)
}

#[jacobian(wrt(z))]
fn p69(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x / z
}

#[jacobian(wrt(z))]
fn p69_map(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| x / z)
}

#[jacobian(wrt(z))]
fn p69_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    x / z
}

#[jacobian(wrt(x))]
fn p70(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    x.map(|x| z / x)
}

#[jacobian(wrt(x))]
fn p70_repeat(x: &Vector4<f64>, z: f64) -> Vector4<f64> {
    Vector4::repeat(z).component_div(x)
}

#[jacobian(wrt(x))]
fn p70_dynamic(x: &DVector<f64>, z: f64) -> DVector<f64> {
    z * x.map(f64::recip)
}

#[jacobian(wrt(w))]
fn p71(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    w.zip_map(x, f64::min)
}

#[jacobian(wrt(w))]
fn p71_reversed(w: &Vector4<f64>, x: &Vector4<f64>) -> Vector4<f64> {
    x.zip_map(w, |x, w| x.min(w))
}

#[jacobian(wrt(w))]
fn p71_dynamic(w: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
    w.zip_map(x, |w, x| w.min(x))
}

jacobians! {
    p17 p17_jacobian p17_value_and_jacobian (x);
    p17_fields p17_fields_jacobian p17_fields_value_and_jacobian (x);
    p17_dynamic p17_dynamic_jacobian p17_dynamic_value_and_jacobian (x);
    p17_product p17_product_jacobian p17_product_value_and_jacobian (x);
    p19 p19_jacobian p19_value_and_jacobian (x);
    p19_map p19_map_jacobian p19_map_value_and_jacobian (x);
    p19_product p19_product_jacobian p19_product_value_and_jacobian (x);
    p19_dynamic p19_dynamic_jacobian p19_dynamic_value_and_jacobian (x);
    p20 p20_jacobian p20_value_and_jacobian (w, x);
    p20_map p20_map_jacobian p20_map_value_and_jacobian (w, x);
    p20_dynamic p20_dynamic_jacobian p20_dynamic_value_and_jacobian (w, x);
    p21 p21_jacobian p21_value_and_jacobian (w, x);
    p21_dynamic p21_dynamic_jacobian p21_dynamic_value_and_jacobian (w, x);
    p22 p22_jacobian p22_value_and_jacobian (w, x);
    p22_negated p22_negated_jacobian p22_negated_value_and_jacobian (w, x);
    p22_dynamic p22_dynamic_jacobian p22_dynamic_value_and_jacobian (w, x);
    p23 p23_jacobian p23_value_and_jacobian (w, x);
    p23_map p23_map_jacobian p23_map_value_and_jacobian (w, x);
    p23_dynamic p23_dynamic_jacobian p23_dynamic_value_and_jacobian (w, x);
    p24 p24_jacobian p24_value_and_jacobian (w, x);
    p24_reversed p24_reversed_jacobian p24_reversed_value_and_jacobian (w, x);
    p24_map p24_map_jacobian p24_map_value_and_jacobian (w, x);
    p24_dynamic p24_dynamic_jacobian p24_dynamic_value_and_jacobian (w, x);
    p24_product p24_product_jacobian p24_product_value_and_jacobian (w, x);
    p25 p25_jacobian p25_value_and_jacobian (w, x);
    p25_dynamic p25_dynamic_jacobian p25_dynamic_value_and_jacobian (w, x);
    p25_product p25_product_jacobian p25_product_value_and_jacobian (w, x);
    p26 p26_jacobian p26_value_and_jacobian (w, x);
    p26_map p26_map_jacobian p26_map_value_and_jacobian (w, x);
    p26_dynamic p26_dynamic_jacobian p26_dynamic_value_and_jacobian (w, x);
    p27 p27_jacobian p27_value_and_jacobian (w, x);
    p27_reciprocal p27_reciprocal_jacobian p27_reciprocal_value_and_jacobian (w, x);
    p27_dynamic p27_dynamic_jacobian p27_dynamic_value_and_jacobian (w, x);
    p28 p28_jacobian p28_value_and_jacobian (w, x);
    p28_map p28_map_jacobian p28_map_value_and_jacobian (w, x);
    p28_entries p28_entries_jacobian p28_entries_value_and_jacobian (w, x);
    p28_dynamic p28_dynamic_jacobian p28_dynamic_value_and_jacobian (w, x);
    p29 p29_jacobian p29_value_and_jacobian (w, x);
    p29_map p29_map_jacobian p29_map_value_and_jacobian (w, x);
    p29_dynamic p29_dynamic_jacobian p29_dynamic_value_and_jacobian (w, x);
    p30 p30_jacobian p30_value_and_jacobian (w, x);
    p30_reversed p30_reversed_jacobian p30_reversed_value_and_jacobian (w, x);
    p30_branch p30_branch_jacobian p30_branch_value_and_jacobian (w, x);
    p30_dynamic p30_dynamic_jacobian p30_dynamic_value_and_jacobian (w, x);
    p31 p31_jacobian p31_value_and_jacobian (w, x);
    p31_dynamic p31_dynamic_jacobian p31_dynamic_value_and_jacobian (w, x);
    p32 p32_jacobian p32_value_and_jacobian (w, x);
    p32_dynamic p32_dynamic_jacobian p32_dynamic_value_and_jacobian (w, x);
    p33 p33_jacobian p33_value_and_jacobian (x, z);
    p33_repeat p33_repeat_jacobian p33_repeat_value_and_jacobian (x, z);
    p33_dynamic p33_dynamic_jacobian p33_dynamic_value_and_jacobian (x, z);
    p34 p34_jacobian p34_value_and_jacobian (x, z);
    p34_repeat p34_repeat_jacobian p34_repeat_value_and_jacobian (x, z);
    p34_dynamic p34_dynamic_jacobian p34_dynamic_value_and_jacobian (x, z);
    p35 p35_jacobian p35_value_and_jacobian (x, z);
    p35_map p35_map_jacobian p35_map_value_and_jacobian (x, z);
    p35_dynamic p35_dynamic_jacobian p35_dynamic_value_and_jacobian (x, z);
    p36 p36_jacobian p36_value_and_jacobian (x, z);
    p36_map p36_map_jacobian p36_map_value_and_jacobian (x, z);
    p36_dynamic p36_dynamic_jacobian p36_dynamic_value_and_jacobian (x, z);
    p48 p48_jacobian p48_value_and_jacobian (x);
    p48_vector p48_vector_jacobian p48_vector_value_and_jacobian (x);
    p48_dynamic p48_dynamic_jacobian p48_dynamic_value_and_jacobian (x);
    p49 p49_jacobian p49_value_and_jacobian (x, A);
    p49_map p49_map_jacobian p49_map_value_and_jacobian (x, A);
    p49_dynamic p49_dynamic_jacobian p49_dynamic_value_and_jacobian (x, A);
    p50 p50_jacobian p50_value_and_jacobian (x);
    p50_steps p50_steps_jacobian p50_steps_value_and_jacobian (x);
    p50_dynamic p50_dynamic_jacobian p50_dynamic_value_and_jacobian (x);
    p58 p58_jacobian p58_value_and_jacobian (x);
    p58_branch p58_branch_jacobian p58_branch_value_and_jacobian (x);
    p58_zeros p58_zeros_jacobian p58_zeros_value_and_jacobian (x);
    p58_dynamic p58_dynamic_jacobian p58_dynamic_value_and_jacobian (x);
    p67 p67_jacobian p67_value_and_jacobian (eta, w, b, X, y);
    p67_inline p67_inline_jacobian p67_inline_value_and_jacobian (eta, w, b, X, y);
    p67_static p67_static_jacobian p67_static_value_and_jacobian (eta, w, b, X, y);
    p68 p68_jacobian p68_value_and_jacobian (x, z);
    p68_map p68_map_jacobian p68_map_value_and_jacobian (x, z);
    p68_dynamic p68_dynamic_jacobian p68_dynamic_value_and_jacobian (x, z);
    p69 p69_jacobian p69_value_and_jacobian (x, z);
    p69_map p69_map_jacobian p69_map_value_and_jacobian (x, z);
    p69_dynamic p69_dynamic_jacobian p69_dynamic_value_and_jacobian (x, z);
    p70 p70_jacobian p70_value_and_jacobian (x, z);
    p70_repeat p70_repeat_jacobian p70_repeat_value_and_jacobian (x, z);
    p70_dynamic p70_dynamic_jacobian p70_dynamic_value_and_jacobian (x, z);
    p71 p71_jacobian p71_value_and_jacobian (w, x);
    p71_reversed p71_reversed_jacobian p71_reversed_value_and_jacobian (w, x);
    p71_dynamic p71_dynamic_jacobian p71_dynamic_value_and_jacobian (w, x);
}

/// P18, the denominator layout, is P17 transposed.
#[test]
fn p18() {
    for at in crate::cases::instances("P17") {
        let x: Vector2<f64> = at.input("x");
        let want = Matrix2::new(
            6.0 * x[0] * x[1],
            2.0,
            3.0 * x[0] * x[0],
            8.0 * x[1].powi(7),
        );
        let tolerance = crate::oracle::Tolerance::Entrywise(1e-12);
        let denominator = p17_jacobian(&x).transpose();
        assert_same("p18", difference(&denominator, &want, tolerance));
    }
}

/// At a tie of two parameters each gets a half, and a constant wins.
#[test]
fn ties() {
    let (w, x) = (
        Vector4::new(1.0, 2.0, -0.0, 3.0),
        Vector4::new(1.0, 0.5, 0.0, 4.0),
    );
    let diagonal = |entries: [f64; 4]| Matrix4::from_diagonal(&Vector4::from(entries)).entries();
    for j in [p30_jacobian(&w, &x), p30_reversed_jacobian(&w, &x)] {
        assert_eq!(j.entries(), diagonal([0.5, 1.0, 0.5, 0.0]));
    }
    assert_eq!(
        p31_jacobian(&w, &x).entries(),
        diagonal([0.5, 0.0, 0.5, 1.0])
    );
    for j in [p71_jacobian(&w, &x), p71_reversed_jacobian(&w, &x)] {
        assert_eq!(j.entries(), diagonal([0.5, 0.0, 0.5, 1.0]));
    }
    for j in [
        p58_jacobian(&w),
        p58_branch_jacobian(&w),
        p58_zeros_jacobian(&w),
    ] {
        assert_eq!(j.entries(), diagonal([1.0, 1.0, 0.0, 1.0]));
    }
}
