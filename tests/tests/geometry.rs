//! Points, rotations, quaternions and isometries inside of functions: their values bit for bit, derivatives against
//! differences, and limits at the identity.

#![allow(dead_code)]

mod common;

use common::{assert_close, slope};
use nalgebra::{
    Isometry2, Isometry3, IsometryMatrix2, IsometryMatrix3, Matrix3, Point2, Point3, Quaternion,
    Rotation2, Rotation3, Translation2, Translation3, Unit, UnitComplex, UnitQuaternion,
    UnitVector3, Vector2, Vector3, Vector4, Vector6, point,
};
use nalgrad::{gradient, hessian, jvp, vjp};

/// Compares all derivatives of functions of six numbers with differences.
macro_rules! check {
    ($($test:ident: $name:ident $gradient:ident $hessian:ident $jvp:ident $vjp:ident;)*) => {$(
        #[test]
        fn $test() {
            let points = [
                Vector6::new(0.7, -0.4, 0.3, 0.2, -0.9, 0.5),
                Vector6::new(-1.1, 0.8, 1.6, -0.3, 1.4, 0.9),
                Vector6::new(2.5, 3.0, -2.0, 2.0, -3.0, 1.5),
            ];
            for x in points {
                let (value, gradient) = $gradient(&x);
                assert_eq!(value.to_bits(), $name(&x).to_bits());
                let hessian = $hessian(&x);
                let direction = Vector6::new(0.3, -0.5, 0.2, 0.8, -0.1, 0.4);
                let (same, tangent) = $jvp(&x, &direction);
                assert_eq!(value.to_bits(), same.to_bits());
                assert_close(tangent, gradient.dot(&direction));
                assert_close(0.0, ($vjp(&x).1(2.0) - 2.0 * gradient).norm());
                for i in 0..6 {
                    let unit = Vector6::ith(i, 1.0);
                    assert_close(gradient[i], slope(|h| $name(&(x + unit * h))));
                    for j in 0..6 {
                        let second = slope(|h| $gradient(&(x + unit * h)).1[j]);
                        assert!(
                            (hessian[(i, j)] - second).abs() < 1e-7 * (1.0 + second.abs()),
                            "{i} {j} at {x}: {} {second}", hessian[(i, j)]
                        );
                    }
                }
            }
        }
    )*};
}

check! {
    quaternions: quaternions_of quaternions_of_value_and_gradient quaternions_of_hessian quaternions_of_jvp quaternions_of_vjp;
    unit_quaternions: rotations_of rotations_of_value_and_gradient rotations_of_hessian rotations_of_jvp rotations_of_vjp;
    axes_and_angles: axes axes_value_and_gradient axes_hessian axes_jvp axes_vjp;
    euler_angles: euler euler_value_and_gradient euler_hessian euler_jvp euler_vjp;
    rotation_matrices: matrices matrices_value_and_gradient matrices_hessian matrices_jvp matrices_vjp;
    the_plane: plane plane_value_and_gradient plane_hessian plane_jvp plane_vjp;
    points: points_of points_of_value_and_gradient points_of_hessian points_of_jvp points_of_vjp;
    isometries: poses poses_value_and_gradient poses_hessian poses_jvp poses_vjp;
    isometries_of_the_plane: flat flat_value_and_gradient flat_hessian flat_jvp flat_vjp;
    isometries_with_matrices: turned turned_value_and_gradient turned_hessian turned_jvp turned_vjp;
    translations: shifts shifts_value_and_gradient shifts_hessian shifts_jvp shifts_vjp;
    homogeneous_matrices: homogeneous homogeneous_value_and_gradient homogeneous_hessian homogeneous_jvp homogeneous_vjp;
    branches: chosen chosen_value_and_gradient chosen_hessian chosen_jvp chosen_vjp;
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn quaternions_of(x: &Vector6<f64>) -> f64 {
    let p = Quaternion::new(x[0], x[1], x[2], x[3]);
    let q = Quaternion::from_parts(x[4], Vector3::new(x[5], x[0], 1.0));
    let r = p * q * 0.5 + Quaternion::from_imag(Vector3::new(x[1], x[2], x[3])) - q / 3.0;
    let s = Quaternion::from(Vector4::new(x[0], x[1], x[4], x[5])).conjugate();
    let t = (2.0 * -r).lerp(&s, x[3]);
    t.norm_squared()
        + r.norm() * s.scalar()
        + r.imag().dot(&s.vector())
        + t.w * r.i
        + t.coords[1] * s[2]
        + p.dot(&q)
        + r.normalize().k
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn rotations_of(x: &Vector6<f64>) -> f64 {
    let a = UnitQuaternion::from_scaled_axis(Vector3::new(x[0], x[1], x[2]));
    let b = UnitQuaternion::new(Vector3::new(x[3], x[4], x[5]));
    let c = UnitQuaternion::from_quaternion(Quaternion::new(x[0], x[3], x[1], 1.0));
    let between = a.rotation_to(&b) * c.inverse() / a;
    let v = between * Vector3::new(1.0, x[0], -0.5)
        + a.inverse_transform_vector(&Vector3::new(x[5], 2.0, 0.1));
    v.x * v.y
        + v.z
        + between.angle()
        + a.angle_to(&c) * 0.1
        + between.scaled_axis().sum()
        + c.ln().norm_squared()
        + b.to_rotation_matrix().matrix()[(0, 1)]
        + a.quaternion().w * a.conjugate().i
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn axes(x: &Vector6<f64>) -> f64 {
    let axis = Unit::new_normalize(Vector3::new(x[0], x[1], x[2]));
    let other = UnitVector3::new_normalize(Vector3::new(1.0, x[4], x[5]));
    let (third, length) = Unit::new_and_get(axis.cross(&other));
    let q = UnitQuaternion::from_axis_angle(&axis, x[3]);
    let r = Rotation3::from_axis_angle(&other, x[3] * x[0]);
    let turned = q * other;
    let v = r * *axis + turned.into_inner() - third.as_ref() * length;
    v.dot(&turned) + v.x * axis.y + (-axis).dot(&v)
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn euler(x: &Vector6<f64>) -> f64 {
    let q = UnitQuaternion::from_euler_angles(x[0], x[1], x[2]);
    let r = Rotation3::from_euler_angles(x[3], x[4], x[5]);
    let (roll, pitch, yaw) = q.euler_angles();
    let (a, b, c) = (q.to_rotation_matrix() * r).euler_angles();
    roll * pitch.sin() + yaw * a + b * c.cos()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn matrices(x: &Vector6<f64>) -> f64 {
    let a = Rotation3::new(Vector3::new(x[0], x[1], x[2]) * 0.4);
    let b = Rotation3::from_scaled_axis(Vector3::new(x[3], x[4], x[5]) * 0.4);
    let c = a * b.inverse() / a;
    let d = Rotation3::from(UnitQuaternion::new(Vector3::new(x[1], x[0], 0.3)));
    let v = c.inverse_transform_vector(&Vector3::new(x[0], 1.0, 2.0))
        + d * Vector3::new(0.1, 0.2, x[5]);
    c.scaled_axis().dot(&v)
        + b.angle()
        + a.angle_to(&b) * 0.5
        + c.rotation_to(&a).matrix()[(0, 2)]
        + c[(1, 2)]
        + (a.matrix() * d).trace()
        + (d * b.into_inner()).sum()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn plane(x: &Vector6<f64>) -> f64 {
    let a = Rotation2::new(x[0]);
    let b = UnitComplex::new(x[1]);
    let c = UnitComplex::from_angle(x[2]) * b.inverse() / b.conjugate();
    let v = a * Vector2::new(x[3], x[4]) + b * Vector2::new(x[5], 1.0);
    let w = c.to_rotation_matrix() * a.inverse() * c.inverse_transform_vector(&v);
    w.x * w.y
        + a.inverse_transform_vector(&w).y
        + c.angle().sin()
        + (a * Rotation2::new(x[3])).angle().cos()
        + b.re * c.im
        + b.angle_to(&c).sin()
        + a.angle_to(&c.to_rotation_matrix()).cos()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn points_of(x: &Vector6<f64>) -> f64 {
    let p = Point3::new(x[0], x[1], x[2]);
    let q = Point3::from(Vector3::new(x[3], x[4], x[5]));
    let r = point![x[0], x[5], 1.0];
    let middle = p + (q - p) * 0.5;
    let scaled = (-middle * 2.0) / 3.0 - Vector3::new(x[1], 0.0, 1.0);
    let flat = Point2::from([x[1] * x[2], x[3]]);
    (scaled - r).norm_squared()
        + nalgebra::distance(&p, &r)
        + nalgebra::distance_squared(&q, &middle)
        + flat.x * flat.coords.y
        + scaled[0] * p.z
        + (Matrix3::identity() * r).y
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn poses(x: &Vector6<f64>) -> f64 {
    let a = Isometry3::new(
        Vector3::new(x[0], x[1], x[2]),
        Vector3::new(x[3], x[4], x[5]),
    );
    let rotation = UnitQuaternion::from_euler_angles(x[2], 0.3, x[0]);
    let b = Isometry3::from_parts(Translation3::new(x[5], x[1], 0.5), rotation);
    let c = Isometry3::from_parts(Vector3::new(x[3], 0.0, 1.0).into(), rotation.inverse());
    let d = a.inv_mul(&b) * c.inverse() / b * Translation3::from(Vector3::new(x[1], x[2], 0.1));
    let e = Translation3::new(0.1, x[4], 0.2) * (rotation * (d * rotation));
    let p = Point3::new(x[0], 1.0, x[4]);
    let q = a * (e * p);
    let v = a.transform_vector(&b.inverse_transform_vector(&Vector3::new(x[1], x[2], 3.0)));
    let w = b.inverse_transform_point(&e.transform_point(&p));
    q.coords.dot(&v)
        + (w - q).norm_squared()
        + e.translation.vector.norm_squared()
        + e.rotation.angle()
        + e.translation.x
        + (d * Vector3::new(1.0, x[0], 2.0)).z
        + d.rotation.coords.x
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn flat(x: &Vector6<f64>) -> f64 {
    let a = Isometry2::new(Vector2::new(x[0], x[1]), x[2]);
    let b = Isometry2::new(Vector2::new(x[3], x[4]), x[5]);
    let between = a.inverse() * b * UnitComplex::new(x[0]);
    let p = between * Point2::new(x[1], 2.0);
    let delta = a.inv_mul(&b);
    between.translation.x * between.rotation.angle().sin()
        + (p - Point2::new(x[4], 0.0)).norm()
        + delta.translation.y
        + delta.rotation.angle().cos()
        + (UnitComplex::new(x[3]) * delta).translation.vector.norm()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn turned(x: &Vector6<f64>) -> f64 {
    let a = IsometryMatrix3::new(
        Vector3::new(x[0], x[1], x[2]),
        Vector3::new(x[3], x[4], x[5]),
    );
    let b = IsometryMatrix3::from_parts(
        Translation3::new(x[5], 0.0, x[1]),
        Rotation3::from_euler_angles(x[0], x[1], 0.2),
    );
    let flat = IsometryMatrix2::new(Vector2::new(x[4], x[3]), x[1]);
    let p = a.inverse() * (b * Point3::new(x[2], x[3], 1.0));
    let q = a.inverse_transform_point(&p);
    let w = flat.inverse() * Point2::new(x[0], x[2]);
    p.coords.dot(&q.coords)
        + (a.rotation * b).translation.vector.sum()
        + a.inv_mul(&b).rotation.matrix().sum()
        + w.x * w.y
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn shifts(x: &Vector6<f64>) -> f64 {
    let a = Translation3::new(x[0], x[1], x[2]);
    let b = Translation3::from(Vector3::new(x[3], x[4], x[5]));
    let c = a * b.inverse() * b * a;
    let flat = Translation2::new(x[0] * x[1], x[2]);
    let pose = Rotation3::new(Vector3::new(0.1, x[4], 0.2)) * c;
    let other = c * UnitQuaternion::new(Vector3::new(0.1, x[4], 0.2));
    (c * Point3::new(x[0], 1.0, 2.0)).coords.norm_squared()
        + pose.translation.vector.x
        + other.rotation.i
        + (UnitComplex::new(x[5]) * Point2::from(flat.vector)).y
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn homogeneous(x: &Vector6<f64>) -> f64 {
    let v = Vector3::new(x[0], x[1], x[2]);
    let pose = Isometry3::new(Vector3::new(x[3], x[4], x[5]), v);
    let m = pose.to_homogeneous() * Translation3::from(v).to_homogeneous();
    let r = pose.rotation.to_homogeneous() * Rotation3::new(v).to_homogeneous();
    let flat = Isometry2::new(Vector2::new(x[3], x[4]), x[5]).to_homogeneous();
    let turn = UnitComplex::new(x[1]).to_homogeneous() * Rotation2::new(x[0]).to_homogeneous();
    let p = m * r * Point3::from(v).to_homogeneous();
    p.norm_squared() + (flat * turn * Point2::new(x[0], x[1]).to_homogeneous()).x
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn chosen(x: &Vector6<f64>) -> f64 {
    let v = Vector3::new(x[0], x[1], x[2]);
    let fixed = Isometry3::translation(1.0, 2.0, 3.0);
    let q = if v.norm() > 1.0 {
        UnitQuaternion::new(v)
    } else {
        UnitQuaternion::from_quaternion(Quaternion::new(1.0, v.x, v.y, v.z))
    };
    let pose = if x[3] > 0.0 {
        Isometry3::from_parts(Translation3::from(v), q)
    } else {
        fixed
    };
    let p = pose * Point3::new(x[4], x[5], 1.0);
    assert!(p.x.is_finite() && (q.norm() - 1.0).abs() < 1e-9);
    p.coords.norm_squared() + q.w
}
