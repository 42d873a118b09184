//! The Jacobians, Hessians and products of `matrices`, by hand: the best that we could write.

use nalgebra::{DMatrix, DVector, Matrix2x6, SMatrix, SVector, Vector2, Vector3, Vector6};

use crate::by_hand::transposed;

/// Where a pose moves a point, and how a function of the moved point with this gradient changes with the rotation vector
/// w = θ a: by Jᵀ (q × g), where q is the turned point and J = sin θ / θ I + (1 − sin θ / θ) a aᵀ + (1 − cos θ) / θ [a]
/// the derivative of the turn by w.
fn moved(
    rotation: Vector3<f64>,
    translation: Vector3<f64>,
    point: &Vector3<f64>,
) -> (Vector3<f64>, impl Fn(Vector3<f64>) -> Vector3<f64>) {
    let angle = rotation.norm();
    let inverse = angle.recip();
    let axis = rotation * inverse;
    let (sin, cos) = angle.sin_cos();
    let versine = 1.0 - cos;
    let turned = point * cos + axis.cross(point) * sin + axis * (axis.dot(point) * versine);
    let (first, third) = (sin * inverse, versine * inverse);
    let pull = move |g: Vector3<f64>| {
        let h = turned.cross(&g);
        h * first + axis * ((1.0 - first) * axis.dot(&h)) + h.cross(&axis) * third
    };
    (turned + translation, pull)
}

pub(super) fn reprojection_value_and_jacobian(
    pose: &Vector6<f64>,
    point: &Vector3<f64>,
    focal: &Vector2<f64>,
    centre: &Vector2<f64>,
) -> (Vector2<f64>, Matrix2x6<f64>) {
    let (rotation, translation) = (pose.fixed_rows::<3>(0), pose.fixed_rows::<3>(3));
    let (p, pull) = moved(rotation.into(), translation.into(), point);
    let (across, down) = (focal.x / p.z, focal.y / p.z);
    let (x, y) = (p.x / p.z, p.y / p.z);
    let u_bar = Vector3::new(across, 0.0, -across * x);
    let v_bar = Vector3::new(0.0, down, -down * y);
    let (by_u, by_v) = (pull(u_bar), pull(v_bar));
    let value = Vector2::new(x * focal.x, y * focal.y) + centre;
    #[rustfmt::skip]
    let jacobian = Matrix2x6::new(
        by_u.x, by_u.y, by_u.z, u_bar.x, u_bar.y, u_bar.z,
        by_v.x, by_v.y, by_v.z, v_bar.x, v_bar.y, v_bar.z,
    );
    (value, jacobian)
}

pub(super) fn reprojection_jacobian(
    pose: &Vector6<f64>,
    point: &Vector3<f64>,
    focal: &Vector2<f64>,
    centre: &Vector2<f64>,
) -> Matrix2x6<f64> {
    reprojection_value_and_jacobian(pose, point, focal, centre).1
}

pub(super) fn calibration_value_and_jacobian(
    camera: &SVector<f64, 15>,
    point: &Vector3<f64>,
) -> (Vector2<f64>, SMatrix<f64, 2, 15>) {
    let (rotation, translation) = (camera.fixed_rows::<3>(0), camera.fixed_rows::<3>(3));
    let (p, pull) = moved(rotation.into(), translation.into(), point);
    let (fx, fy, cx, cy) = (camera[6], camera[7], camera[8], camera[9]);
    let (k1, k2, p1, p2, k3) = (camera[10], camera[11], camera[12], camera[13], camera[14]);
    let depth = p.z.recip();
    let (x, y) = (p.x * depth, p.y * depth);
    let (xy, r2) = (2.0 * x * y, x * x + y * y);
    let (across, down) = (r2 + 2.0 * x * x, r2 + 2.0 * y * y);
    let radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3));
    let growth = 2.0 * (k1 + r2 * (2.0 * k2 + r2 * (3.0 * k3)));
    let u = x * radial + p1 * xy + p2 * across;
    let v = y * radial + p1 * down + p2 * xy;
    // By x and y, the Jacobian of the distortion is symmetric.
    let mixed = x * y * growth + 2.0 * (p1 * x + p2 * y);
    let u_by_x = radial + x * x * growth + 2.0 * p1 * y + 6.0 * p2 * x;
    let v_by_y = radial + y * y * growth + 6.0 * p1 * y + 2.0 * p2 * x;
    let row = |focal: f64, by_x: f64, by_y: f64| {
        let scale = focal * depth;
        Vector3::new(by_x, by_y, -(x * by_x + y * by_y)) * scale
    };
    let (u_bar, v_bar) = (row(fx, u_by_x, mixed), row(fy, mixed, v_by_y));
    let (by_u, by_v) = (pull(u_bar), pull(v_bar));
    let (ux, vy, r4) = (fx * x * r2, fy * y * r2, r2 * r2);
    let mut jacobian = SMatrix::<f64, 2, 15>::zeros();
    jacobian
        .fixed_columns_mut::<6>(0)
        .copy_from(&Matrix2x6::new(
            by_u.x, by_u.y, by_u.z, u_bar.x, u_bar.y, u_bar.z, by_v.x, by_v.y, by_v.z, v_bar.x,
            v_bar.y, v_bar.z,
        ));
    jacobian[(0, 6)] = u;
    jacobian[(1, 7)] = v;
    jacobian[(0, 8)] = 1.0;
    jacobian[(1, 9)] = 1.0;
    jacobian
        .fixed_columns_mut::<5>(10)
        .copy_from(&SMatrix::<f64, 2, 5>::new(
            ux,
            ux * r2,
            fx * xy,
            fx * across,
            ux * r4,
            vy,
            vy * r2,
            fy * down,
            fy * xy,
            vy * r4,
        ));
    (Vector2::new(fx * u + cx, fy * v + cy), jacobian)
}

pub(super) fn calibration_jacobian(
    camera: &SVector<f64, 15>,
    point: &Vector3<f64>,
) -> SMatrix<f64, 2, 15> {
    calibration_value_and_jacobian(camera, point).1
}

/// Xᵀ diag(d) X, where a product is made of blocks: those above the diagonal are copied.
fn weighted_square(x: &DMatrix<f64>, d: &DVector<f64>) -> DMatrix<f64> {
    let scaled = x.map_with_location(|i, _, entry| d[i] * entry);
    let mut h = transposed(x) * scaled;
    h.fill_upper_triangle_with_lower_triangle();
    h
}

pub(super) fn logistic_value_gradient_and_hessian(
    w: &DVector<f64>,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> (f64, DVector<f64>, DMatrix<f64>) {
    let mut slope = x * w;
    let mut curvature = DVector::zeros(y.len());
    let mut value = 0.0;
    for ((z, d), y) in slope.iter_mut().zip(curvature.iter_mut()).zip(y.iter()) {
        let odds = (-y * *z).exp();
        let miss = 1.0 / (1.0 + odds.recip());
        value += (1.0 + odds).ln();
        *z = -y * miss;
        *d = y * y * miss * (1.0 - miss);
    }
    (value, x.tr_mul(&slope), weighted_square(x, &curvature))
}

pub(super) fn logistic_hessian(
    w: &DVector<f64>,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
) -> DMatrix<f64> {
    let mut curvature = x * w;
    curvature.zip_apply(y, |z, y| {
        let odds = (y * *z).exp();
        *z = y * y / ((1.0 + odds) * (1.0 + odds.recip()));
    });
    weighted_square(x, &curvature)
}

/// (A + Aᵀ) / 2
pub(super) fn quadratic_hessian(
    _x: &DVector<f64>,
    a: &DMatrix<f64>,
    _b: &DVector<f64>,
) -> DMatrix<f64> {
    let n = a.nrows();
    let mut h = DMatrix::zeros(n, n);
    // Block by block, so that a column and a row are both near.
    const BLOCK: usize = 16;
    for left in (0..n).step_by(BLOCK) {
        for top in (left..n).step_by(BLOCK) {
            for j in left..n.min(left + BLOCK) {
                for i in top.max(j)..n.min(top + BLOCK) {
                    let entry = 0.5 * (a[(i, j)] + a[(j, i)]);
                    h[(i, j)] = entry;
                    h[(j, i)] = entry;
                }
            }
        }
    }
    h
}

pub(super) fn quadratic_value_gradient_and_hessian(
    x: &DVector<f64>,
    a: &DMatrix<f64>,
    b: &DVector<f64>,
) -> (f64, DVector<f64>, DMatrix<f64>) {
    let mut slope = a * x;
    let value = 0.5 * x.dot(&slope) - b.dot(x);
    slope.gemv_tr(0.5, a, x, 0.5);
    slope -= b;
    (value, slope, quadratic_hessian(x, a, b))
}

pub(super) fn logistic_hvp(
    w: &DVector<f64>,
    x: &DMatrix<f64>,
    y: &DVector<f64>,
    direction: &DVector<f64>,
) -> (DVector<f64>, DVector<f64>) {
    let (mut slope, mut turn) = (x * w, x * direction);
    for ((z, dz), y) in slope
        .as_mut_slice()
        .iter_mut()
        .zip(turn.as_mut_slice())
        .zip(y.as_slice())
    {
        let odds = (y * *z).exp();
        let miss = 1.0 / (1.0 + odds);
        *z = -y * miss;
        *dz *= y * y * miss / (1.0 + odds.recip());
    }
    (x.tr_mul(&slope), x.tr_mul(&turn))
}

pub(super) fn rosenbrock_hvp(
    x: &DVector<f64>,
    direction: &DVector<f64>,
) -> (DVector<f64>, DVector<f64>) {
    let (x, d) = (x.as_slice(), direction.as_slice());
    let n = x.len();
    let (mut slope, mut turn) = (DVector::zeros(n), DVector::zeros(n));
    let (slopes, turns) = (slope.as_mut_slice(), turn.as_mut_slice());
    let begin = |x: &[f64]| -400.0 * x[0] * (x[1] - x[0] * x[0]) - 2.0 * (1.0 - x[0]);
    let end = |x: &[f64]| 200.0 * (x[1] - x[0] * x[0]);
    let turn_begin = |x: &[f64], d: &[f64]| {
        (1200.0 * x[0] * x[0] - 400.0 * x[1] + 2.0) * d[0] - 400.0 * x[0] * d[1]
    };
    let turn_end = |x: &[f64], d: &[f64]| 200.0 * d[1] - 400.0 * x[0] * d[0];
    slopes[0] = begin(x);
    turns[0] = turn_begin(x, d);
    let inner = slopes[1..].iter_mut().zip(turns[1..].iter_mut());
    for ((slope, turn), (x, d)) in inner.zip(x.windows(3).zip(d.windows(3))) {
        *slope = begin(&x[1..]) + end(x);
        *turn = turn_begin(&x[1..], &d[1..]) + turn_end(x, d);
    }
    slopes[n - 1] = end(&x[n - 2..]);
    turns[n - 1] = turn_end(&x[n - 2..], &d[n - 2..]);
    (slope, turn)
}
