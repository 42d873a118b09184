//! Points, rotations, quaternions and isometries inside of functions: their values bit for bit, derivatives against
//! differences, and limits at the identity.

#![allow(dead_code, clippy::assign_op_pattern, clippy::explicit_auto_deref)]

mod common;
#[macro_use]
#[path = "common/six.rs"]
mod six;

use common::{assert_close, slope};
use nalgebra::{
    Isometry2, Isometry3, IsometryMatrix2, IsometryMatrix3, Matrix3, Point2, Point3, Quaternion,
    Rotation2, Rotation3, Translation2, Translation3, Unit, UnitComplex, UnitQuaternion,
    UnitVector3, Vector2, Vector3, Vector4, Vector6, point,
};
use nalgrad::{gradient, hessian, jacobian, jvp, vjp};

check! {
    at [
        Vector6::new(0.7, -0.4, 0.3, 0.2, -0.9, 0.5),
        Vector6::new(-1.1, 0.8, 1.6, -0.3, 1.4, 0.9),
        Vector6::new(2.5, 3.0, -2.0, 2.0, -3.0, 1.5),
    ];
    quaternions: quaternions_of quaternions_of_value_and_gradient quaternions_of_hessian quaternions_of_jvp quaternions_of_vjp;
    unit_quaternions: rotations_of rotations_of_value_and_gradient rotations_of_hessian rotations_of_jvp rotations_of_vjp;
    axes_and_angles: axes axes_value_and_gradient axes_hessian axes_jvp axes_vjp;
    rotation_matrices: matrices matrices_value_and_gradient matrices_hessian matrices_jvp matrices_vjp;
    the_plane: plane plane_value_and_gradient plane_hessian plane_jvp plane_vjp;
    points: points_of points_of_value_and_gradient points_of_hessian points_of_jvp points_of_vjp;
    isometries: poses poses_value_and_gradient poses_hessian poses_jvp poses_vjp;
    isometries_of_the_plane: flat flat_value_and_gradient flat_hessian flat_jvp flat_vjp;
    isometries_with_matrices: turned turned_value_and_gradient turned_hessian turned_jvp turned_vjp;
    translations: shifts shifts_value_and_gradient shifts_hessian shifts_jvp shifts_vjp;
    homogeneous_matrices: homogeneous homogeneous_value_and_gradient homogeneous_hessian homogeneous_jvp homogeneous_vjp;
    turned_step_by_step: integrated integrated_value_and_gradient integrated_hessian integrated_jvp integrated_vjp;
    a_chain_of_links: linked linked_value_and_gradient linked_hessian linked_jvp linked_vjp;
    assigned_on_sides: reassigned reassigned_value_and_gradient reassigned_hessian reassigned_jvp reassigned_vjp;
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

/// Its Hessian is refused: the branches of the two triples depend on each other.
#[gradient]
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
    let plain = Isometry3::translation(x[0], x[5], 1.0)
        * (IsometryMatrix2::translation(x[1], 2.0) * Point2::new(x[3], 1.0))
            .coords
            .push(x[2]);
    let flat = Isometry2::translation(x[1], 2.0) * Point2::new(x[3], 1.0);
    q.coords.dot(&v)
        + plain.z * plain.x * flat.x
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

#[test]
fn euler_angles() {
    let x = Vector6::new(0.7, -0.4, 0.3, 0.2, -0.9, 0.5);
    let (value, gradient) = euler_value_and_gradient(&x);
    assert_eq!(value.to_bits(), euler(&x).to_bits());
    assert_close(0.0, (euler_vjp(&x).1(2.0) - 2.0 * gradient).norm());
    for i in 0..6 {
        let unit = Vector6::ith(i, 1.0);
        assert_close(gradient[i], slope(|h| euler(&(x + unit * h))));
        assert_close(gradient[i], euler_jvp(&x, &unit).1);
    }
}

/// The derivatives of rotations exist where the angle is zero, where formulas by the angle and the axis are 0/0.
mod at_the_identity {
    use super::*;

    fn cross_matrix(v: &Vector3<f64>) -> Matrix3<f64> {
        v.cross_matrix()
    }

    #[jacobian(wrt(v))]
    fn turned(v: &Vector3<f64>, p: &Vector3<f64>) -> Vector3<f64> {
        UnitQuaternion::from_scaled_axis(*v) * p
    }

    #[jacobian(wrt(v))]
    fn turned_by_matrix(v: &Vector3<f64>, p: &Vector3<f64>) -> Vector3<f64> {
        Rotation3::new(*v) * p
    }

    #[jacobian]
    fn and_back(v: &Vector3<f64>) -> Vector3<f64> {
        UnitQuaternion::new(*v).scaled_axis()
    }

    #[jacobian]
    fn matrix_and_back(v: &Vector3<f64>) -> Vector3<f64> {
        Rotation3::new(*v).scaled_axis()
    }

    #[jacobian]
    fn quaternion(v: &Vector3<f64>) -> Vector4<f64> {
        UnitQuaternion::new(*v).coords
    }

    /// ∂(R p)/∂v = −[p] at v = 0 (Solà, "A micro Lie theory", equation 147)
    #[test]
    fn a_rotated_vector() {
        let p = Vector3::new(0.3, -1.2, 2.0);
        for v in [Vector3::zeros(), Vector3::new(1e-200, 0.0, 0.0)] {
            assert_close(0.0, (turned_jacobian(&v, &p) + cross_matrix(&p)).norm());
            assert_close(
                0.0,
                (turned_by_matrix_jacobian(&v, &p) + cross_matrix(&p)).norm(),
            );
        }
        // Near it the same as by the closed formula, of the left Jacobian: −[R p] J.
        let v = Vector3::new(1e-5, -2e-5, 3e-5);
        let k = cross_matrix(&v);
        let left = Matrix3::identity() + 0.5 * k + k * k / 6.0;
        let rotated = (Matrix3::identity() + k + 0.5 * k * k) * p;
        let expected = -cross_matrix(&rotated) * left;
        assert!((turned_jacobian(&v, &p) - expected).norm() < 1e-13);
        assert!((turned_by_matrix_jacobian(&v, &p) - expected).norm() < 1e-13);
    }

    #[test]
    fn there_and_back() {
        for size in [0.0, 1e-300, 1e-9, 1e-6, 1e-3, 0.1, 1.0, 3.0] {
            let v = Vector3::new(0.48, -0.6, 0.64) * size;
            let close =
                |j: Matrix3<f64>| assert!((j - Matrix3::identity()).norm() < 1e-11, "{size}");
            close(and_back_jacobian(&v));
            close(matrix_and_back_jacobian(&v));
        }
        // Of the other quaternion of the same rotation, beyond a half turn, the angle decreases.
        let v = Vector3::new(0.48, -0.6, 0.64);
        let radial = and_back_jacobian(&(v * 4.0)) * v;
        assert_close(0.0, (radial - v).norm());
    }

    #[test]
    fn a_unit_quaternion() {
        let j = quaternion_jacobian(&Vector3::zeros());
        assert_eq!(j.fixed_rows::<3>(0), Matrix3::identity() * 0.5);
        assert_eq!(j.row(3).norm(), 0.0);
    }

    /// exp v = 1 + v/2 − v · v/8 + …, and R = I + [v] + [v]²/2 + …
    #[test]
    fn second_derivatives() {
        #[hessian]
        fn real_part(v: &Vector3<f64>) -> f64 {
            UnitQuaternion::new(*v).w
        }
        #[hessian]
        fn entry(v: &Vector3<f64>) -> f64 {
            Rotation3::from_scaled_axis(*v).matrix()[(0, 1)]
        }
        #[hessian]
        fn squared_angle(v: &Vector3<f64>) -> f64 {
            UnitQuaternion::new(*v).scaled_axis().norm_squared()
        }
        let zero = Vector3::zeros();
        assert_eq!(real_part_hessian(&zero), Matrix3::identity() * -0.25);
        let mut expected = Matrix3::zeros();
        (expected[(0, 1)], expected[(1, 0)]) = (0.5, 0.5);
        assert_close(0.0, (entry_hessian(&zero) - expected).norm());
        for v in [
            zero,
            Vector3::new(1e-8, 2e-8, -1e-8),
            Vector3::new(0.5, 0.2, 1.0),
        ] {
            let j = squared_angle_hessian(&v) - Matrix3::identity() * 2.0;
            assert!(j.norm() < 1e-11);
        }
    }

    /// Like a norm: zero, not NaN.
    #[test]
    fn angles() {
        #[gradient]
        fn angle(v: &Vector3<f64>) -> f64 {
            UnitQuaternion::new(*v).angle() + Rotation3::new(*v).angle()
        }
        assert_eq!(angle_gradient(&Vector3::zeros()), Vector3::zeros());
        let v = Vector3::new(0.3, 0.0, 0.4);
        assert_close(0.0, (angle_gradient(&v) - v * 4.0).norm());
    }

    #[test]
    fn an_angle_of_zero_about_an_axis() {
        #[gradient]
        fn entry(angle: f64) -> f64 {
            let axis = Unit::new_normalize(Vector3::new(0.0, 0.0, 1.0 + angle));
            (Rotation3::from_axis_angle(&axis, angle) * Vector3::x()).y
        }
        assert_eq!(entry_gradient(0.0), 1.0);
    }

    /// A half turn is as good a rotation as any other.
    #[test]
    fn a_half_turn() {
        let v = Vector3::new(0.0, std::f64::consts::PI, 0.0);
        let p = Vector3::new(0.3, -1.2, 2.0);
        let j = turned_jacobian(&v, &p);
        for k in 0..3 {
            let unit = Vector3::ith(k, 1.0);
            for i in 0..3 {
                assert_close(j[(i, k)], slope(|h| turned(&(v + unit * h), &p)[i]));
                let by_matrix = turned_by_matrix_jacobian(&v, &p)[(i, k)];
                assert_close(by_matrix, j[(i, k)]);
            }
        }
    }
}

/// Values of nalgebra's geometry that carry no derivative: by value, by reference, in fields, and what they give.
mod with_inert_values {
    use super::*;

    pub struct Camera {
        pub pose: Isometry3<f64>,
        pub axis: UnitVector3<f64>,
    }

    #[gradient(wrt(x))]
    fn seen(
        x: &Vector3<f64>,
        camera: &Camera,
        q: UnitQuaternion<f64>,
        anchor: &Point3<f64>,
    ) -> f64 {
        let pose: Isometry3<f64> = camera.pose;
        let axis: &UnitVector3<f64> = &camera.axis;
        let r = q.to_rotation_matrix();
        let p = pose.inverse() * Point3::from(*x);
        let moved = pose.rotation * (q * p) + pose.translation.vector;
        let v = r * x + q.inverse_transform_vector(x);
        (moved - anchor).norm_squared()
            + v.dot(axis)
            + (*q).w * x.x
            + x.dot(&anchor.coords)
            + anchor.y * x.z
            + (UnitQuaternion::identity() * x).sum()
            + (camera.pose.rotation.angle() * x.y)
    }

    #[test]
    fn of_parameters() {
        let camera = Camera {
            pose: Isometry3::new(Vector3::new(0.1, 2.0, 3.0), Vector3::new(0.4, -0.2, 1.0)),
            axis: Unit::new_normalize(Vector3::new(1.0, 2.0, -1.0)),
        };
        let q = UnitQuaternion::from_euler_angles(0.1, 0.5, -0.3);
        let anchor = Point3::new(1.0, 0.0, 0.5);
        let x = Vector3::new(0.3, -0.7, 1.1);
        let f = |x: &Vector3<f64>| seen(x, &camera, q, &anchor);
        let (value, gradient) = seen_value_and_gradient(&x, &camera, q, &anchor);
        assert_eq!(value.to_bits(), f(&x).to_bits());
        for i in 0..3 {
            let unit = Vector3::ith(i, 1.0);
            assert_close(gradient[i], slope(|h| f(&(x + unit * h))));
        }
    }

    /// For any real type.
    #[gradient(wrt(v))]
    fn generic<T: nalgebra::RealField + Copy>(v: &Vector3<T>, p: &Point3<T>) -> T {
        let pose = Isometry3::new(*v, *v);
        let moved = pose.inverse_transform_point(p);
        (UnitQuaternion::from_euler_angles(v.x, v.y, v.z) * moved)
            .coords
            .norm_squared()
            + moved.x
    }

    #[test]
    fn of_a_type_parameter() {
        let p = Point3::new(0.5, 1.0, -2.0);
        let v = Vector3::new(0.3, 0.2, -0.9);
        let gradient = generic_gradient(&v, &p);
        let single = generic_gradient(&v.cast::<f32>(), &p.cast::<f32>());
        assert!((single.cast::<f64>() - gradient).norm() < 1e-5);
        for i in 0..3 {
            let unit = Vector3::ith(i, 1.0);
            assert_close(gradient[i], slope(|h| generic(&(v + unit * h), &p)));
        }
    }
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn integrated(x: &Vector6<f64>) -> f64 {
    let mut q = UnitQuaternion::identity();
    let mut p = Point3::origin();
    for k in 0..4 {
        let rate = Vector3::new(x[0] + 0.1 * k as f64, x[1], x[2]);
        q *= UnitQuaternion::from_scaled_axis(rate * 0.2);
        if k == 2 && x[1] > 0.0 {
            continue;
        }
        p += q * Vector3::new(x[3], x[4], x[5]);
    }
    let mut turn = Rotation2::new(0.0);
    let mut left = 3;
    while left > 0 {
        turn = Rotation2::new(x[0] * p.x) * turn;
        left -= 1;
    }
    let flat = turn * Vector2::new(1.0, x[5]);
    p.coords.norm_squared() + p.x * p.y + flat.x
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn linked(x: &Vector6<f64>) -> f64 {
    let mut pose = Isometry3::identity();
    let mut pair = (0.0, Vector3::zeros());
    for (k, length) in [1.0, 0.5, 0.3].iter().enumerate() {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), x[k]);
        pose = pose * Isometry3::from_parts(Translation3::new(*length * x[5], 0.1, 0.0), turn);
        pose *= Translation3::new(0.0, x[3], 0.2);
        pair = (
            pair.0 * x[4] + x[k],
            pair.1 + pose.translation.vector * pair.0,
        );
    }
    let tip = pose * Point3::new(x[4], 0.0, 1.0);
    tip.coords.norm_squared() * tip.x + pair.0 * pair.1.sum()
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn reassigned(x: &Vector6<f64>) -> f64 {
    let mut r = Rotation3::from_euler_angles(x[0], 0.1, x[1]);
    let mut q = UnitQuaternion::identity();
    if x[2] > 0.4 {
        r = r * Rotation3::from_axis_angle(&Vector3::x_axis(), x[2] * x[3]);
        q = UnitQuaternion::from_euler_angles(x[3], x[4], 0.2);
    } else if x[4] > 0.0 {
        r *= Rotation3::from_euler_angles(x[4], x[2], 0.1);
    }
    let mut c = UnitComplex::new(x[5]);
    for _ in 0..2 {
        if x[3] > 0.0 {
            c = c * UnitComplex::new(x[3]);
        }
    }
    let v = r * (q * Vector3::new(x[0], 1.0, x[5]));
    (c * Vector2::new(v.x, v.y)).x * v.z + v.x
}
