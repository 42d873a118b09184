//! What the operations on rotations mean, in numbers: sums, integrals and products of quaternions.

use nalgebra::DMatrix;

/// Σ (−x)ⁱ/(k + 2i)!
pub fn stumpff(x: f64, k: u32) -> f64 {
    let mut term: f64 = (1..=k).map(|i| 1.0 / f64::from(i)).product();
    let mut terms = vec![term];
    for i in 1..60 {
        let n = f64::from(k + 2 * i);
        term *= -x / (n * (n - 1.0));
        terms.push(term);
    }
    terms.iter().rev().sum()
}

/// The derivative by s, of order k, of atan2(√s, w)/√s = ∫ w/(w² + s t²) dt from 0 to 1, by Simpson's rule.
pub fn arc_ratio(s: f64, w: f64, k: u32) -> f64 {
    let factorial: f64 = (1..=k).map(|i| -f64::from(i)).product();
    let f = |t: f64| {
        let t2 = t * t;
        factorial * w * t2.powi(k as i32) / (w * w + s * t2).powi(k as i32 + 1)
    };
    let n = 4000;
    let at = |i: usize| f(i as f64 / n as f64);
    let inner: f64 = (1..n)
        .map(|i| at(i) * if i % 2 == 1 { 4.0 } else { 2.0 })
        .sum();
    (at(0) + inner + at(n)) / (3.0 * n as f64)
}

fn column(entries: &[f64]) -> DMatrix<f64> {
    DMatrix::from_column_slice(entries.len(), 1, entries)
}

/// By the table of i, j and k.
pub fn product(p: &DMatrix<f64>, q: &DMatrix<f64>) -> DMatrix<f64> {
    let mut r = [0.0; 4];
    for a in 0..4 {
        for b in 0..4 {
            let (sign, c) = match (a, b) {
                (3, b) => (1.0, b),
                (a, 3) => (1.0, a),
                (a, b) if a == b => (-1.0, 3),
                (a, b) if (a + 1) % 3 == b => (1.0, (b + 1) % 3),
                (_, b) => (-1.0, (0..3).find(|c| *c != a && *c != b).unwrap_or(b)),
            };
            r[c] += sign * p[a] * q[b];
        }
    }
    column(&r)
}

pub fn conjugate(q: &DMatrix<f64>) -> DMatrix<f64> {
    column(&[-q[0], -q[1], -q[2], q[3]])
}

fn cross(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        a[j] * b[k] - a[k] * b[j]
    })
}

/// v + 2 w u × v + 2 u × (u × v)
pub fn rotate(q: &DMatrix<f64>, v: &DMatrix<f64>) -> DMatrix<f64> {
    let (u, w, v) = ([q[0], q[1], q[2]], q[3], [v[0], v[1], v[2]]);
    let once = cross(&u, &v);
    let twice = cross(&u, &once);
    column(&[0, 1, 2].map(|i| v[i] + 2.0 * w * once[i] + 2.0 * twice[i]))
}

/// (w² − u · u) I + 2 u uᵀ + 2 w [u]
pub fn matrix(q: &DMatrix<f64>) -> DMatrix<f64> {
    let (u, w) = ([q[0], q[1], q[2]], q[3]);
    rodrigues(
        &u,
        w * w - u.iter().map(|x| x * x).sum::<f64>(),
        2.0 * w,
        2.0,
    )
}

/// a I + b [v] + c v vᵀ
fn rodrigues(v: &[f64; 3], a: f64, b: f64, c: f64) -> DMatrix<f64> {
    DMatrix::from_fn(3, 3, |i, j| {
        let mut unit = [0.0; 3];
        unit[j] = 1.0;
        a * unit[i] + b * cross(v, &unit)[i] + c * v[i] * v[j]
    })
}

pub fn quaternion_exp(v: &DMatrix<f64>) -> DMatrix<f64> {
    let s = v.iter().map(|x| x * x).sum::<f64>() / 4.0;
    let c = stumpff(s, 1) / 2.0;
    column(&[c * v[0], c * v[1], c * v[2], stumpff(s, 0)])
}

pub fn quaternion_log(q: &DMatrix<f64>) -> DMatrix<f64> {
    let side = if q[3] < 0.0 { -1.0 } else { 1.0 };
    let s: f64 = (0..3).map(|i| q[i] * q[i]).sum();
    let c = 2.0 * side * arc_ratio(s, side * q[3], 0);
    column(&[c * q[0], c * q[1], c * q[2]])
}

pub fn rotation_exp(v: &DMatrix<f64>) -> DMatrix<f64> {
    let s = v.iter().map(|x| x * x).sum::<f64>();
    let v = [v[0], v[1], v[2]];
    rodrigues(&v, stumpff(s, 0), stumpff(s, 1), stumpff(s, 2))
}

pub fn about(axis: &DMatrix<f64>, angle: f64) -> DMatrix<f64> {
    let axis = [axis[0], axis[1], axis[2]];
    rodrigues(&axis, angle.cos(), angle.sin(), 1.0 - angle.cos())
}

pub fn axial(m: &DMatrix<f64>) -> DMatrix<f64> {
    column(&[
        m[(2, 1)] - m[(1, 2)],
        m[(0, 2)] - m[(2, 0)],
        m[(1, 0)] - m[(0, 1)],
    ])
}

/// The axial vector of half the matrix, its square, and the cosine of the angle.
fn axis_of(m: &DMatrix<f64>) -> (DMatrix<f64>, f64, f64) {
    let a = axial(m) * 0.5;
    let s = a.iter().map(|x| x * x).sum();
    (a, s, 0.5 * (m[(0, 0)] + m[(1, 1)] + m[(2, 2)] - 1.0))
}

pub fn rotation_log(m: &DMatrix<f64>) -> DMatrix<f64> {
    let (a, s, c) = axis_of(m);
    a * arc_ratio(s, c, 0)
}

pub fn rotation_angle(m: &DMatrix<f64>) -> f64 {
    let (_, s, c) = axis_of(m);
    s.sqrt().atan2(c)
}
