//! Rotations by their coordinates: quaternions as columns i, j, k, w, and rotation matrices.
//!
//! Values are nalgebra's own, by the same methods of the same types.

use nalgebra::{
    Const, Matrix, Matrix3, Quaternion, RealField, Rotation3, Storage, Unit, UnitQuaternion,
    Vector, Vector3, Vector4,
};

/// Stumpff's function cₖ(x) = Σ (−x)ⁱ/(k + 2i)!: cos √x, sin √x/√x, (1 − cos √x)/x, …
///
/// To a few units in the last place, near zero too: below 10 the series, which is free of cancellation from c₂ on, and
/// beyond it cₖ₊₂ = (1/k! − cₖ)/x.
#[must_use]
pub fn stumpff<T: RealField + Copy>(x: T, order: u32) -> T {
    let number = |n: f64| -> T { nalgebra::convert(n) };
    let root = x.abs().sqrt();
    let (even, negative) = (order.is_multiple_of(2), x < T::zero());
    if order > 1 && x.abs() < number(10.0) {
        let mut term = (1..=order).fold(T::one(), |term, i| term / number(f64::from(i)));
        let mut sum = term;
        let mut k = f64::from(order);
        // At 10 some fifteen terms, at a small angle three or four.
        while term.abs() > T::default_epsilon() * number(0.01) * sum.abs() {
            term *= -x / number((k + 1.0) * (k + 2.0));
            sum += term;
            k += 2.0;
        }
        return sum;
    }
    let mut value = match (even, negative) {
        (true, false) => root.cos(),
        (true, true) => root.cosh(),
        (false, _) if root.is_zero() => T::one(),
        (false, false) => root.sin() / root,
        (false, true) => root.sinh() / root,
    };
    let mut factorial = T::one();
    for k in (order % 2..order).step_by(2) {
        if k > 1 {
            factorial /= number(f64::from(k * (k - 1)));
        }
        value = (factorial - value) / x;
    }
    value
}

/// The derivative by `s`, of the given order, of atan2(√s, w)/√s: near `s = 0` by the series of the arctangent.
#[must_use]
pub fn arc_ratio<T: RealField + Copy>(s: T, w: T, order: u32) -> T {
    let number = |n: f64| -> T { nalgebra::convert(n) };
    if w > T::zero() && s < number(0.25) * w * w {
        // w⁻²ᵏ⁻¹ Σ (−1)ⁱ/(2i + 1) · i!/(i − k)! (s/w²)ⁱ⁻ᵏ, from i = k on
        let x = s / (w * w);
        let k = f64::from(order);
        let mut power = (1..=order).fold(T::one(), |power, i| -power * number(f64::from(i)));
        let (mut sum, mut i) = (T::zero(), k);
        loop {
            let term = power / number(2.0 * i + 1.0);
            sum += term;
            if term.abs() <= T::default_epsilon() * number(0.01) * sum.abs() {
                break;
            }
            i += 1.0;
            power *= -x * number(i / (i - k));
        }
        return (0..=order).fold(sum * w, |sum, _| sum / (w * w));
    }
    // Of 2 s A′ + A = w/(s + w²), the derivative of every order.
    let root = s.sqrt();
    let mut value = root.atan2(w) / root;
    let mut right = w / (s + w * w);
    for k in 0..order {
        let k = f64::from(k);
        value = (right - number(2.0 * k + 1.0) * value) / (s + s);
        right *= number(-(k + 1.0)) / (s + w * w);
    }
    value
}

/// sin x / x, and 1 at 0.
#[inline]
#[must_use]
pub fn sinc<T: RealField + Copy>(x: T) -> T {
    nalgebra::ComplexField::sinc(x)
}

#[inline]
fn quaternion<T, S>(q: &Vector<T, Const<4>, S>) -> Quaternion<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<4>>,
{
    Quaternion::from(q.clone_owned())
}

#[inline]
fn unit<T, S>(q: &Vector<T, Const<4>, S>) -> UnitQuaternion<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<4>>,
{
    Unit::new_unchecked(quaternion(q))
}

#[inline]
fn rotation<T, S>(m: &Matrix<T, Const<3>, Const<3>, S>) -> Rotation3<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<3>, Const<3>>,
{
    Rotation3::from_matrix_unchecked(m.clone_owned())
}

/// `p * q`
#[inline]
#[must_use]
pub fn quaternion_product<T, S1, S2>(
    p: &Vector<T, Const<4>, S1>,
    q: &Vector<T, Const<4>, S2>,
) -> Vector4<T>
where
    T: RealField + Copy,
    S1: Storage<T, Const<4>>,
    S2: Storage<T, Const<4>>,
{
    (quaternion(p) * quaternion(q)).coords
}

/// `q.conjugate()`, of a unit quaternion the inverse.
#[inline]
#[must_use]
pub fn quaternion_conjugate<T, S>(q: &Vector<T, Const<4>, S>) -> Vector4<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<4>>,
{
    quaternion(q).conjugate().coords
}

/// `q * v` for a unit quaternion.
#[inline]
#[must_use]
pub fn quaternion_rotate<T, S1, S2>(
    q: &Vector<T, Const<4>, S1>,
    v: &Vector<T, Const<3>, S2>,
) -> Vector3<T>
where
    T: RealField + Copy,
    S1: Storage<T, Const<4>>,
    S2: Storage<T, Const<3>>,
{
    unit(q) * v
}

/// `q.to_rotation_matrix()`
#[inline]
#[must_use]
pub fn quaternion_matrix<T, S>(q: &Vector<T, Const<4>, S>) -> Matrix3<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<4>>,
{
    unit(q).to_rotation_matrix().into_inner()
}

/// `UnitQuaternion::from_scaled_axis(v)`
#[inline]
#[must_use]
pub fn quaternion_exp<T, S>(v: &Vector<T, Const<3>, S>) -> Vector4<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<3>>,
{
    UnitQuaternion::from_scaled_axis(v.clone_owned())
        .into_inner()
        .coords
}

/// `q.scaled_axis()`
#[inline]
#[must_use]
pub fn quaternion_log<T, S>(q: &Vector<T, Const<4>, S>) -> Vector3<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<4>>,
{
    unit(q).scaled_axis()
}

/// `Rotation3::from_scaled_axis(v)`
#[inline]
#[must_use]
pub fn rotation_exp<T, S>(v: &Vector<T, Const<3>, S>) -> Matrix3<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<3>>,
{
    Rotation3::from_scaled_axis(v.clone_owned()).into_inner()
}

/// `r.scaled_axis()`
#[inline]
#[must_use]
pub fn rotation_log<T, S>(m: &Matrix<T, Const<3>, Const<3>, S>) -> Vector3<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<3>, Const<3>>,
{
    rotation(m).scaled_axis()
}

/// `r.angle()`
#[inline]
#[must_use]
pub fn rotation_angle<T, S>(m: &Matrix<T, Const<3>, Const<3>, S>) -> T
where
    T: RealField + Copy,
    S: Storage<T, Const<3>, Const<3>>,
{
    rotation(m).angle()
}

/// `Rotation3::from_axis_angle(&axis, angle)`
#[inline]
#[must_use]
pub fn rotation_about<T, S>(axis: &Vector<T, Const<3>, S>, angle: &T) -> Matrix3<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<3>>,
{
    Rotation3::from_axis_angle(&Unit::new_unchecked(axis.clone_owned()), *angle).into_inner()
}

/// The axis of `m - m.transpose()`: the adjoint of `cross_matrix`.
#[inline]
#[must_use]
pub fn axial<T, S>(m: &Matrix<T, Const<3>, Const<3>, S>) -> Vector3<T>
where
    T: RealField + Copy,
    S: Storage<T, Const<3>, Const<3>>,
{
    Vector3::new(
        m[(2, 1)] - m[(1, 2)],
        m[(0, 2)] - m[(2, 0)],
        m[(1, 0)] - m[(0, 1)],
    )
}
