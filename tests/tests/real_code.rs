//! Functions in the style of programs for robots, cameras and flight: rigid bodies, factors of pose graphs, inverse
//! kinematics, epipolar geometry and an error-state filter. What loops and changes its arrays there is written out here.

#![allow(
    dead_code,
    clippy::clone_on_copy,
    clippy::toplevel_ref_arg,
    clippy::useless_conversion
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{
    DVector, Isometry2, Isometry3, Matrix3, Point2, Quaternion, RealField, Rotation3, SVector,
    Translation3, Unit, UnitQuaternion, UnitVector3, Vector2, Vector3, Vector6, dvector, stack,
};
use nalgrad::{differentiable, gradient, hessian, jacobian, jvp, vjp};

type State = SVector<f64, 13>;

/// Compares a Jacobian with differences, column by column.
#[track_caller]
fn assert_jacobian<const M: usize, const N: usize>(
    jacobian: &nalgebra::SMatrix<f64, M, N>,
    x: &SVector<f64, N>,
    f: impl Fn(&SVector<f64, N>) -> SVector<f64, M>,
) {
    for j in 0..N {
        let unit = SVector::<f64, N>::from_fn(|i, _| if i == j { 1.0 } else { 0.0 });
        for i in 0..M {
            assert_close(jacobian[(i, j)], slope(|h| f(&(x + unit * h))[i]));
        }
    }
}

#[track_caller]
fn assert_gradient<const N: usize>(
    gradient: &SVector<f64, N>,
    x: &SVector<f64, N>,
    f: impl Fn(&SVector<f64, N>) -> f64,
) {
    assert_jacobian(&gradient.transpose(), x, |x| SVector::from([f(x)]));
}

// ---- a quadrotor as a rigid body, and one step of Runge and Kutta ----

#[derive(Clone, Copy)]
struct Quadrotor {
    mass: f64,
    gravity: f64,
    inertia: Matrix3<f64>,
    inertia_inv: Matrix3<f64>,
}

/// Position, velocity, orientation (i, j, k, w) and angular velocity.
#[differentiable(wrt(state, thrust, torque))]
#[jacobian]
fn state_derivative(
    state: &SVector<f64, 13>,
    thrust: f64,
    torque: &Vector3<f64>,
    body: &Quadrotor,
) -> SVector<f64, 13> {
    let velocity = state.fixed_rows::<3>(3);
    let orientation =
        UnitQuaternion::from_quaternion(Quaternion::new(state[9], state[6], state[7], state[8]));
    let omega = state.fixed_rows::<3>(10).into_owned();
    let (mass, gravity): (f64, f64) = (body.mass, body.gravity);
    let inertia: Matrix3<f64> = body.inertia;
    let inertia_inv: Matrix3<f64> = body.inertia_inv;

    let lift = orientation * Vector3::new(0.0, 0.0, thrust);
    let acceleration = lift / mass - Vector3::new(0.0, 0.0, gravity);
    let q_dot = orientation.into_inner() * Quaternion::from_imag(omega) * 0.5;
    let omega_dot = inertia_inv * (torque - omega.cross(&(inertia * omega)));
    stack![velocity; acceleration; q_dot.coords; omega_dot]
}

#[jacobian(wrt(state, thrust, torque))]
#[jvp]
fn rk4_step(
    state: &SVector<f64, 13>,
    thrust: f64,
    torque: &Vector3<f64>,
    body: &Quadrotor,
    dt: f64,
) -> SVector<f64, 13> {
    let k1: SVector<f64, 13> = state_derivative(state, thrust, torque, body);
    let k2: SVector<f64, 13> = state_derivative(&(state + k1 * (0.5 * dt)), thrust, torque, body);
    let k3: SVector<f64, 13> = state_derivative(&(state + k2 * (0.5 * dt)), thrust, torque, body);
    let k4: SVector<f64, 13> = state_derivative(&(state + k3 * dt), thrust, torque, body);
    let next = state + (k1 + (k2 + k3) * 2.0 + k4) * (dt / 6.0);
    let q = Quaternion::from(next.fixed_rows::<4>(6).into_owned()).normalize();
    stack![next.fixed_rows::<6>(0); q.coords; next.fixed_rows::<3>(10)]
}

fn quadrotor() -> Quadrotor {
    let inertia = Matrix3::new(0.02, 0.001, 0.0, 0.001, 0.025, 0.0, 0.0, 0.0, 0.04);
    Quadrotor {
        mass: 1.3,
        gravity: 9.81,
        inertia,
        inertia_inv: inertia.try_inverse().unwrap(),
    }
}

fn flying() -> State {
    State::from_column_slice(&[
        0.1, 0.2, 1.0, -0.5, 0.3, 0.2, 0.1, -0.3, 0.2, 0.9, 0.4, -0.2, 0.3,
    ])
}

#[test]
fn a_rigid_body() {
    let (body, state, torque) = (quadrotor(), flying(), Vector3::new(0.01, -0.02, 0.005));
    let (by_state, by_thrust, by_torque) = state_derivative_jacobian(&state, 12.0, &torque, &body);
    assert_jacobian(&by_state, &state, |s| {
        state_derivative(s, 12.0, &torque, &body)
    });
    assert_jacobian(&by_torque, &torque, |t| {
        state_derivative(&state, 12.0, t, &body)
    });
    for i in 0..13 {
        let at = |h: f64| state_derivative(&state, 12.0 + h, &torque, &body)[i];
        assert_close(by_thrust[i], slope(at));
    }
}

#[test]
fn a_step_of_time() {
    let (body, state, torque) = (quadrotor(), flying(), Vector3::new(0.01, -0.02, 0.005));
    let (by_state, _, by_torque) = rk4_step_jacobian(&state, 12.0, &torque, &body, 0.05);
    assert_jacobian(&by_state, &state, |s| {
        rk4_step(s, 12.0, &torque, &body, 0.05)
    });
    assert_jacobian(&by_torque, &torque, |t| {
        rk4_step(&state, 12.0, t, &body, 0.05)
    });
    let direction = State::from_fn(|i, _| (i as f64).sin());
    let nothing = Vector3::zeros();
    let (next, tangent) = rk4_step_jvp(
        &state, 12.0, &torque, &body, 0.05, &direction, 0.0, &nothing,
    );
    assert_eq!(next, rk4_step(&state, 12.0, &torque, &body, 0.05));
    assert!((tangent - by_state * direction).norm() < 1e-12);
}

// ---- factors of a pose graph ----

/// What is measured between two poses of the plane.
#[jacobian(wrt(a, b))]
fn between_in_the_plane<T: RealField + Copy>(
    a: &Vector3<T>,
    b: &Vector3<T>,
    measured: &Isometry2<T>,
) -> Vector3<T> {
    let from = Isometry2::new(Vector2::new(a[0].clone(), a[1].clone()), a[2].clone());
    let to = Isometry2::new(Vector2::new(b[0].clone(), b[1].clone()), b[2].clone());
    let error = measured.inverse() * (from.inverse() * to);
    Vector3::new(
        error.translation.x.clone(),
        error.translation.y.clone(),
        error.rotation.angle(),
    )
}

#[test]
fn a_factor_in_the_plane() {
    let (a, b) = (Vector3::new(0.3, -1.0, 0.4), Vector3::new(1.5, 0.2, 1.9));
    let measured = Isometry2::new(Vector2::new(1.0, 0.5), 1.4);
    let (by_a, by_b) = between_in_the_plane_jacobian(&a, &b, &measured);
    assert_jacobian(&by_a, &a, |a| between_in_the_plane(a, &b, &measured));
    assert_jacobian(&by_b, &b, |b| between_in_the_plane(&a, b, &measured));
}

/// The same in space: poses as a translation and a scaled axis, the error as a vector of its own.
#[jacobian(wrt(a, b))]
fn between(a: &Vector6<f64>, b: &Vector6<f64>, measured: &Isometry3<f64>) -> DVector<f64> {
    let from = Isometry3::new(
        a.fixed_rows::<3>(0).into_owned(),
        a.fixed_rows::<3>(3).into_owned(),
    );
    let to = Isometry3::new(
        b.fixed_rows::<3>(0).into_owned(),
        b.fixed_rows::<3>(3).into_owned(),
    );
    let error = measured.inv_mul(&from.inv_mul(&to));
    let turn = error.rotation.scaled_axis();
    let shift = error.translation.vector;
    dvector![shift.x, shift.y, shift.z, turn.x, turn.y, turn.z]
}

#[test]
fn a_factor_in_space() {
    let a = Vector6::new(0.3, -1.0, 0.4, 0.2, 0.7, -0.3);
    let b = Vector6::new(1.5, 0.2, 1.9, -0.4, 0.1, 0.9);
    let measured = Isometry3::new(Vector3::new(0.2, 0.5, 1.0), Vector3::new(-0.6, 0.0, 1.0));
    let (by_a, by_b) = between_jacobian(&a, &b, &measured);
    let fixed = |m: nalgebra::DMatrix<f64>| m.fixed_view::<6, 6>(0, 0).into_owned();
    let value = |v: DVector<f64>| Vector6::from_column_slice(v.as_slice());
    assert_jacobian(&fixed(by_a), &a, |a| value(between(a, &b, &measured)));
    assert_jacobian(&fixed(by_b), &b, |b| value(between(&a, b, &measured)));
    // Where the error is zero, and with it the angle.
    let exact = Isometry3::new(a.fixed_rows::<3>(0).into(), a.fixed_rows::<3>(3).into()).inv_mul(
        &Isometry3::new(b.fixed_rows::<3>(0).into(), b.fixed_rows::<3>(3).into()),
    );
    let (by_a, _) = between_jacobian(&a, &b, &exact);
    assert_jacobian(&fixed(by_a), &a, |a| value(between(a, &b, &exact)));
}

// ---- logarithms and exponentials as programs write them ----

/// The logarithm of a rotation, by a series where the angle is small.
#[differentiable]
#[jacobian]
fn so3_log(coords: &nalgebra::Vector4<f64>) -> Vector3<f64> {
    let q = UnitQuaternion::new_normalize(Quaternion::from(*coords));
    let w = q.scalar();
    let v = q.imag();
    let n2 = v.norm_squared();
    let (scale, _n) = if n2 < 1e-12 {
        (2.0 / w - 2.0 / 3.0 * n2 / w.powi(3), 0.0)
    } else {
        let n = n2.sqrt();
        let half = if w < 0.0 { (-n).atan2(-w) } else { n.atan2(w) };
        (2.0 * half / n, n)
    };
    v * scale
}

/// The objective of inverse kinematics: how far one pose of a chain of three joints is from a target.
#[gradient(wrt(joints))]
#[hessian]
fn reach(joints: &Vector3<f64>, links: &[f64; 3], target: &Isometry3<f64>) -> f64 {
    let shoulder = Isometry3::from_parts(
        Translation3::new(0.0, 0.0, links[0]),
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), joints[0]),
    );
    let elbow = Isometry3::from_parts(
        Translation3::new(links[1], 0.0, 0.0),
        UnitQuaternion::from_axis_angle(&Vector3::y_axis(), joints[1]),
    );
    let wrist = Isometry3::from_parts(
        Translation3::new(links[2], 0.0, 0.1),
        UnitQuaternion::from_axis_angle(&Vector3::x_axis(), joints[2]),
    );
    let tip = shoulder * elbow * wrist;
    let error = target.inv_mul(&tip);
    let turn: Vector3<f64> = so3_log(&error.rotation.coords);
    error.translation.vector.norm_squared() + 0.5 * turn.norm_squared()
}

#[test]
fn inverse_kinematics() {
    let (joints, links) = (Vector3::new(0.4, -0.7, 1.1), [0.3, 0.5, 0.4]);
    let target = Isometry3::new(Vector3::new(0.6, 0.2, 0.5), Vector3::new(0.3, 0.1, -0.2));
    let f = |x: &Vector3<f64>| reach(x, &links, &target);
    let gradient = reach_gradient(&joints, &links, &target);
    assert_gradient(&gradient, &joints, f);
    let hessian = reach_hessian(&joints, &links, &target);
    assert_jacobian(&hessian, &joints, |x| reach_gradient(x, &links, &target));
}

/// The exponential of a twist.
#[jacobian]
fn se3_exp(xi: &Vector6<f64>) -> Vector3<f64> {
    const EPSILON: f64 = 1e-8;
    let xi_v = xi.fixed_rows::<3>(0).into_owned();
    let xi_w = xi.fixed_rows::<3>(3).into_owned();
    let theta_2 = xi_w.norm_squared();
    let omega = Matrix3::new(
        0.0, -xi_w.z, xi_w.y, xi_w.z, 0.0, -xi_w.x, -xi_w.y, xi_w.x, 0.0,
    );
    let omega_2 = omega * omega;
    let (real_factor, imag_factor, coef_omega, coef_omega_2) = if theta_2 < EPSILON {
        (
            1.0 - theta_2 / 8.0,
            0.5 - theta_2 / 48.0,
            0.5 - theta_2 / 24.0,
            1.0 / 6.0 - theta_2 / 120.0,
        )
    } else {
        let theta = theta_2.sqrt();
        let half = 0.5 * theta;
        (
            half.cos(),
            half.sin() / theta,
            (1.0 - theta.cos()) / theta_2,
            (theta - theta.sin()) / (theta * theta_2),
        )
    };
    let rotation =
        UnitQuaternion::from_quaternion(Quaternion::from_parts(real_factor, imag_factor * xi_w));
    let v = Matrix3::identity() + coef_omega * omega + coef_omega_2 * omega_2;
    let pose = Isometry3::from_parts(Translation3::from(v * xi_v), rotation);
    (pose * nalgebra::Point3::new(0.3, -0.4, 2.0)).coords
}

#[test]
fn exponential_of_a_twist() {
    let xi = Vector6::new(0.3, -1.0, 0.4, 0.2, 0.7, -0.3);
    assert_jacobian(&se3_exp_jacobian(&xi), &xi, se3_exp);
    // At zero: I and −[p].
    let p = Vector3::new(0.3, -0.4, 2.0);
    let expected = stack![Matrix3::identity(), -p.cross_matrix()];
    assert!((se3_exp_jacobian(&Vector6::zeros()) - expected).norm() < 1e-15);
}

#[test]
fn logarithm_of_a_rotation() {
    for q in [
        nalgebra::Vector4::new(0.1, -0.3, 0.2, 0.9),
        nalgebra::Vector4::new(0.1, -0.3, 0.2, -0.9),
        nalgebra::Vector4::new(0.0, 0.0, 0.0, 1.1),
    ] {
        assert_jacobian(&so3_log_jacobian(&q), &q, so3_log);
    }
}

// ---- cameras, rays and filters ----

/// The residual of two views of a point by the pose between them, on unit bearings.
#[gradient(wrt(motion))]
fn epipolar_loss(motion: &Vector6<f64>, a: &UnitVector3<f64>, b: &UnitVector3<f64>) -> f64 {
    let rotation = Rotation3::new(motion.fixed_rows::<3>(3).into_owned());
    let t = Unit::new_normalize(motion.fixed_rows::<3>(0).into_owned());
    let bearing = rotation * a.into_inner();
    let normal = t.cross(&bearing);
    let other = b.cross(&t).normalize();
    let residual = 1.0 - normal.normalize().dot(&other).abs();
    residual + (b.into_inner().dot(&normal)).powi(2)
}

#[test]
fn epipolar_geometry() {
    let motion = Vector6::new(0.5, 0.1, -0.2, 0.1, -0.2, 0.3);
    let a = Unit::new_normalize(Vector3::new(0.1, -0.3, 1.0));
    let b = Unit::new_normalize(Vector3::new(-0.4, 0.2, 0.9));
    let gradient = epipolar_loss_gradient(&motion, &a, &b);
    assert_gradient(&gradient, &motion, |m| epipolar_loss(m, &a, &b));
}

/// The direction of a refracted ray, or none.
#[jacobian(wrt(v))]
fn refract(v: &Vector3<f64>, normal: &UnitVector3<f64>, ratio: f64) -> Option<Vector3<f64>> {
    let direction = v.normalize();
    let cosine = direction.dot(normal);
    let discriminant = 1.0 - ratio * ratio * (1.0 - cosine * cosine);
    if discriminant <= 0.0 {
        return None;
    }
    let n: Vector3<f64> = normal.into_inner();
    Some(ratio * (direction - n * cosine) - n * discriminant.sqrt())
}

#[test]
fn a_refracted_ray() {
    let normal = Unit::new_normalize(Vector3::new(0.1, 1.0, 0.0));
    let v = Vector3::new(0.5, -1.0, 0.3);
    let f = |v: &Vector3<f64>| refract(v, &normal, 1.0 / 1.5).unwrap();
    assert_jacobian(&refract_jacobian(&v, &normal, 1.0 / 1.5).unwrap(), &v, f);
    assert!(refract_jacobian(&Vector3::new(1.0, -0.1, 0.0), &normal, 1.5).is_none());
}

/// The prediction of an error-state filter, by what the gyroscope and the accelerometer have measured.
#[vjp(wrt(acceleration, rotation))]
#[jvp]
fn predict(
    acceleration: &Vector3<f64>,
    rotation: &Vector3<f64>,
    orientation: &UnitQuaternion<f64>,
    velocity: &Vector3<f64>,
    dt: f64,
) -> (Vector3<f64>, Vector3<f64>, nalgebra::Vector4<f64>) {
    let gravity = Vector3::new(0.0, 0.0, 9.81);
    let acc_global = orientation.transform_vector(acceleration) - gravity;
    let position = velocity * dt + acc_global * (0.5 * dt * dt);
    let moved = velocity + acc_global * dt;
    let delta = UnitQuaternion::from_scaled_axis(rotation * dt);
    let next = orientation * delta;
    (position, moved, next.coords)
}

#[test]
fn prediction_of_a_filter() {
    let (acceleration, rotation) = (Vector3::new(0.1, 0.3, 9.7), Vector3::new(0.2, -0.1, 0.5));
    let orientation = UnitQuaternion::from_euler_angles(0.1, 0.2, -0.5);
    let velocity = Vector3::new(1.0, 0.0, -0.2);
    let bars = (
        Vector3::new(1.0, 2.0, 3.0),
        Vector3::new(-1.0, 0.5, 0.2),
        nalgebra::Vector4::new(0.3, 0.1, -0.7, 2.0),
    );
    let inner = |a: &Vector3<f64>, r: &Vector3<f64>| {
        let (position, moved, q) = predict(a, r, &orientation, &velocity, 0.01);
        position.dot(&bars.0) + moved.dot(&bars.1) + q.dot(&bars.2)
    };
    let (_, pullback) = predict_vjp(&acceleration, &rotation, &orientation, &velocity, 0.01);
    let (by_acceleration, by_rotation) = pullback(bars);
    assert_gradient(&by_acceleration, &acceleration, |a| inner(a, &rotation));
    assert_gradient(&by_rotation, &rotation, |r| inner(&acceleration, r));
}

/// A pixel's ray meets the ground: points and a pose.
#[gradient(wrt(x))]
fn reprojection(x: &Vector6<f64>, point: &nalgebra::Point3<f64>, pixel: &Point2<f64>) -> f64 {
    let pose = Isometry3::new(
        x.fixed_rows::<3>(0).into_owned(),
        x.fixed_rows::<3>(3).into_owned(),
    );
    let p = pose.inverse_transform_point(point);
    let projected = Point2::new(p.x / p.z, p.y / p.z);
    (projected - pixel).norm_squared()
}

#[test]
fn reprojection_of_a_point() {
    let (point, pixel) = (nalgebra::Point3::new(0.3, 0.5, 4.0), Point2::new(0.1, 0.2));
    for x in [
        Vector6::new(0.1, 0.2, -0.3, 0.05, -0.1, 0.2),
        Vector6::zeros(),
    ] {
        let gradient = reprojection_gradient(&x, &point, &pixel);
        assert_gradient(&gradient, &x, |x| reprojection(x, &point, &pixel));
    }
}

// ---- types that parameters tell: of items, of conversions; what has methods in loops ----

struct View {
    rotation: Rotation3<f64>,
    shift: Vector3<f64>,
    focal: f64,
}

impl View {
    #[differentiable(wrt(p))]
    fn residual(&self, p: &Vector3<f64>, seen: &Vector2<f64>) -> Vector2<f64> {
        let rotation: &Rotation3<f64> = &self.rotation;
        let c = rotation * p + self.shift;
        Vector2::new(self.focal * c.x / c.z, self.focal * c.y / c.z) - seen
    }
}

fn views() -> [View; 2] {
    [0.2, -0.3].map(|a| View {
        rotation: Rotation3::new(Vector3::new(a, 0.1, a * a)),
        shift: Vector3::new(-a, 0.2, 0.3),
        focal: 1.4 + a,
    })
}

/// Each view of a list has a method: by reference, by its place, and one made in the iteration.
#[gradient(wrt(p))]
#[hessian]
fn triangulate(p: &Vector3<f64>, views: &[View], seen: &[(Vector2<f64>, usize)]) -> f64 {
    let mut total = 0.0;
    for (view, (at, _)) in views.iter().zip(seen) {
        let r: Vector2<f64> = view.residual(p, at);
        total += r.norm_squared();
    }
    for (at, k) in seen {
        let r: Vector2<f64> = views[*k].residual(p, at);
        total += r.x * r.y;
    }
    0.5 * total
}

#[gradient(wrt(p))]
fn by_views_of_iterations(p: &Vector3<f64>, focals: &[f64]) -> f64 {
    let mut total = 0.0;
    for focal in focals {
        let view = View {
            rotation: Rotation3::identity(),
            shift: Vector3::zeros(),
            focal: *focal,
        };
        let r: Vector2<f64> = view.residual(p, &Vector2::zeros());
        let s: Vector2<f64> = view.residual(p, &Vector2::new(0.1, 0.2));
        total += r.norm_squared() + s.x;
    }
    total
}

#[test]
fn methods_of_the_items_of_lists() {
    let (p, views) = (Vector3::new(0.3, 0.2, 2.0), views());
    let seen = [(Vector2::new(0.1, 0.2), 1), (Vector2::new(0.0, 0.1), 0)];
    let gradient = triangulate_gradient(&p, &views, &seen);
    assert_gradient(&gradient, &p, |p| triangulate(p, &views, &seen));
    let hessian = triangulate_hessian(&p, &views, &seen);
    assert_jacobian(&hessian, &p, |p| triangulate_gradient(p, &views, &seen));
    let gradient = by_views_of_iterations_gradient(&p, &[1.2, 0.7]);
    assert_gradient(&gradient, &p, |p| by_views_of_iterations(p, &[1.2, 0.7]));
}

/// What the items of lists are is told by the types of these; what `into` makes, by the type of the variable.
#[gradient(wrt(pose))]
#[jvp]
fn points_of_lists(
    pose: &Vector6<f64>,
    world: &[nalgebra::Point3<f64>],
    pixels: &[(Point2<f64>, f64)],
    bearings: &[(Vector3<f64>, Vector3<f64>)],
) -> f64 {
    let iso = Isometry3::new(
        pose.fixed_rows::<3>(0).into(),
        pose.fixed_rows::<3>(3).into(),
    );
    let mut cost = 0.0;
    for (w, (px, weight)) in world.iter().zip(pixels) {
        let p = iso * w;
        cost += (Point2::new(p.x / p.z, p.y / p.z) - px).norm_squared() * weight;
    }
    let turn: Vector3<f64> = pose.fixed_rows::<3>(3).into();
    let rotation = Rotation3::new(turn);
    cost + bearings
        .iter()
        .map(|(body, inertial)| (rotation * inertial - body).norm_squared())
        .sum::<f64>()
        + bearings
            .windows(2)
            .map(|w| w[0].0.dot(&(rotation * w[1].1)))
            .sum::<f64>()
}

#[jacobian]
fn converted(x: &Vector6<f64>) -> Vector3<f64> {
    let p: nalgebra::Point3<f64> = x.fixed_rows::<3>(0).into_owned().into();
    let [a, b, c]: [f64; 3] = Vector3::from(x.fixed_rows::<3>(3)).into();
    let q: Vector3<f64> = [a * b, b.sin(), p.x * c].into();
    let moved = Isometry3::new(q, Vector3::zeros()) * p;
    moved.coords.component_mul(&q).into()
}

#[test]
fn types_that_parameters_tell() {
    use nalgebra::Point3;
    let pose = Vector6::new(0.1, 0.2, -0.3, 0.05, -0.1, 0.2);
    let world = [Point3::new(0.1, 0.2, 3.0), Point3::new(-0.4, 0.3, 2.5)];
    let pixels = [(Point2::new(0.1, 0.0), 1.5), (Point2::new(-0.2, 0.1), 0.5)];
    let bearings = [
        (Vector3::new(1.0, 0.1, 0.0), Vector3::new(0.9, 0.2, 0.3)),
        (Vector3::new(0.0, 0.3, 1.0), Vector3::new(0.1, 0.5, 0.8)),
    ];
    let f = |x: &Vector6<f64>| points_of_lists(x, &world, &pixels, &bearings);
    let gradient = points_of_lists_gradient(&pose, &world, &pixels, &bearings);
    assert_gradient(&gradient, &pose, f);
    let d = Vector6::new(0.3, -0.2, 0.5, 0.1, 0.7, -0.4);
    let (value, tangent) = points_of_lists_jvp(&pose, &world, &pixels, &bearings, &d);
    assert_eq!(value, f(&pose));
    assert_close(tangent, gradient.dot(&d));
    assert_jacobian(&converted_jacobian(&pose), &pose, converted);
}

// ---- matrices without derivative: rows of data, what changes beside ----

/// Rows of data, by iterators, by their places and as copies; those that are views are kept entry by entry.
#[gradient(wrt(beta))]
#[hessian]
fn rows_of_data(beta: &DVector<f64>, x: &nalgebra::DMatrix<f64>, y: &[f64]) -> f64 {
    let mut s = 0.0;
    for (row, y) in x.row_iter().zip(y.iter()) {
        s = s * 0.3 + ((row * beta)[0] - y).exp();
    }
    for (i, row) in x.row_iter().enumerate() {
        let row: nalgebra::RowDVector<f64> = row.into_owned();
        let (below, whole) = (&x.rows(i, 1), x);
        s = s * 0.3 + (&row * beta)[0].exp() + (below * beta)[0] * (whole * beta).norm();
    }
    s + x.row_iter().map(|row| (row * beta)[0].exp()).sum::<f64>()
}

/// A list of matrices without derivative, parts of them, and what is computed of them.
#[hessian(wrt(beta))]
fn parts_of_data(beta: &DVector<f64>, xs: &[nalgebra::DMatrix<f64>]) -> f64 {
    let mut s = 0.0;
    for (x, k) in xs.iter().zip([0, 1]) {
        let [a, b] = [k, 1 - k];
        let d = &xs[a] - &xs[b] * 0.5;
        let inverse = (x.rows(0, 2) + d.rows(0, 2)).try_inverse().unwrap();
        s += (inverse * beta).norm() * (&xs[a] - x * 2.0).norm();
    }
    s += xs
        .iter()
        .zip(beta.iter())
        .map(|(x, b)| x.norm() * b * b)
        .sum::<f64>();
    for (k, x) in xs.iter().enumerate() {
        let (row, t) = (x.row(k), x.transpose());
        s = s * 0.3 + (row * beta)[0].sin() + (x * beta).norm() * t.norm();
    }
    s
}

#[test]
fn data_without_derivative() {
    use nalgebra::dmatrix;
    use nalgrad::check;
    let beta = dvector![0.2, -0.4];
    let (x, y) = (dmatrix![1.0, 0.2; 0.5, 0.7; 1.0, -0.3], [0.1, 0.4, -0.2]);
    let gradient = |b: &DVector<f64>| rows_of_data_gradient(b, &x, &y);
    check::gradient(
        |b: &DVector<f64>| rows_of_data(b, &x, &y),
        &beta,
        &gradient(&beta),
    )
    .unwrap();
    check::jacobian(gradient, &beta, &rows_of_data_hessian(&beta, &x, &y)).unwrap();
    let xs = [x.clone(), x.map(|x| x + 0.3)];
    let (value, gradient, hessian) = parts_of_data_value_gradient_and_hessian(&beta, &xs);
    assert_eq!(value, parts_of_data(&beta, &xs));
    check::gradient(|b: &DVector<f64>| parts_of_data(b, &xs), &beta, &gradient).unwrap();
    let gradient = |b: &DVector<f64>| parts_of_data_value_gradient_and_hessian(b, &xs).1;
    check::jacobian(gradient, &beta, &hessian).unwrap();
}

/// A filter the covariance of which changes, and is not differentiated.
#[gradient(wrt(start))]
#[hessian]
fn innovations(
    start: &Vector2<f64>,
    covariance: &nalgebra::Matrix2<f64>,
    f: &nalgebra::Matrix2<f64>,
    measured: &[f64],
) -> f64 {
    let h = nalgebra::RowVector2::new(1.0, 0.0);
    let (mut p, mut x, mut sum) = (*covariance, *start, 0.0);
    for z in measured {
        p = f * p * f.transpose() + nalgebra::Matrix2::identity() * 0.1;
        let s = (h * p * h.transpose())[0] + 0.5;
        let k = p * h.transpose() / s;
        let y = z - (h * x)[0];
        x = f * (x + k * y.sin());
        sum += y * y / s + (p * x).norm();
        p = (nalgebra::Matrix2::identity() - k * h) * p;
    }
    sum
}

/// A load that is filled entry by entry, and a rotation that goes on turning.
#[gradient(wrt(w))]
#[jvp]
fn loaded(w: &Vector2<f64>, n: usize) -> f64 {
    let mut load = DVector::zeros(n);
    for i in 0..n {
        load[i] = i as f64;
    }
    let stiffness = nalgebra::DMatrix::from_fn(n, n, |i, j| {
        w[0] * (i * j) as f64 + if i == j { 10.0 + w[1] } else { 0.0 }
    });
    let moved = stiffness.cholesky().unwrap().solve(&load);
    let mut turn = Rotation3::identity();
    let mut sum = load.dot(&moved);
    for i in 0..n {
        sum += (turn * Vector3::new(w[0], w[1], 1.0)).x.powi(2);
        turn *= Rotation3::new(Vector3::new(0.1, 0.2 * i as f64, 0.0));
    }
    load[0] = 3.0;
    sum * load[0]
}

#[test]
fn what_changes_without_derivative() {
    use nalgebra::Matrix2;
    use nalgrad::check;
    let (p, f) = (
        Matrix2::new(1.0, 0.1, 0.1, 0.5),
        Matrix2::new(1.0, 0.1, 0.0, 0.9),
    );
    let (start, measured) = (Vector2::new(0.1, 0.4), [0.3, 0.5, 0.1]);
    let value = |x: &Vector2<f64>| innovations(x, &p, &f, &measured);
    assert_eq!(
        innovations_value_and_gradient(&start, &p, &f, &measured).0,
        value(&start)
    );
    let gradient = |x: &Vector2<f64>| innovations_gradient(x, &p, &f, &measured);
    check::gradient(value, &start, &gradient(&start)).unwrap();
    let hessian = innovations_hessian(&start, &p, &f, &measured);
    check::jacobian(gradient, &start, &hessian).unwrap();
    check::gradient(
        |w: &Vector2<f64>| loaded(w, 3),
        &start,
        &loaded_gradient(&start, 3),
    )
    .unwrap();
    check::jvp(
        |w: &Vector2<f64>| loaded(w, 3),
        &start,
        |d: &Vector2<f64>| loaded_jvp(&start, 3, d),
    )
    .unwrap();
}
