//! Tuples as parameters: the gradient is a tuple, the Jacobian has the columns of the parts side by side.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;
#[macro_use]
#[path = "common/six.rs"]
mod six;

use common::{assert_close, slope};
use nalgebra::{
    DMatrix, DVector, DVectorView, Matrix4, RealField, RowVector4, SMatrix, SVector, Vector2,
    Vector3, Vector4, Vector6,
};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};

#[gradient]
#[jacobian]
#[hessian]
#[vjp]
#[jvp]
#[hvp]
fn affine(p: (f64, Vector3<f64>)) -> f64 {
    let (b, w) = p;
    w.norm_squared() * b + p.1.x * p.0.sin()
}

fn moved(p: (f64, Vector3<f64>), d: (f64, Vector3<f64>), t: f64) -> (f64, Vector3<f64>) {
    (p.0 + t * d.0, p.1 + d.1 * t)
}

fn entries(p: (f64, Vector3<f64>)) -> Vector4<f64> {
    Vector4::new(p.0, p.1.x, p.1.y, p.1.z)
}

#[test]
fn a_number_and_a_vector() {
    let p = (0.7, Vector3::new(0.3, -0.8, 0.5));
    let d = (-0.4, Vector3::new(1.0, 0.2, -0.6));
    let value = affine(p);
    let gradient: (f64, Vector3<f64>) = affine_gradient(p);
    assert_eq!(affine_value_and_gradient(p), (value, gradient));
    let along = slope(|t| affine(moved(p, d, t)));
    assert_close(entries(gradient).dot(&entries(d)), along);
    assert_eq!(affine_jvp(p, d).0, value);
    assert_close(affine_jvp(p, d).1, along);
    let (again, pullback) = affine_vjp(p);
    assert_eq!(again, value);
    let pulled: (f64, Vector3<f64>) = pullback(2.0);
    assert_close(entries(pulled).dot(&entries(d)), 2.0 * along);
    let jacobian: RowVector4<f64> = affine_jacobian(p);
    assert_close((jacobian.transpose() - entries(gradient)).norm(), 0.0);
    let hessian: Matrix4<f64> = affine_hessian(p);
    assert_eq!(hessian, hessian.transpose());
    let (all, whole, same) = affine_value_gradient_and_hessian(p);
    assert_eq!((all, whole, same), (value, gradient, hessian));
    let (first, product): ((f64, Vector3<f64>), (f64, Vector3<f64>)) = affine_hvp(p, d);
    assert_eq!(first, gradient);
    for i in 0..4 {
        let numeric = slope(|t| entries(affine_gradient(moved(p, d, t)))[i]);
        assert_close(entries(product)[i], numeric);
        assert_close((hessian * entries(d))[i], numeric);
    }
}

/// Behind a reference, of dynamic sizes, and beside another parameter.
#[gradient]
#[jacobian]
#[hessian]
#[jvp]
#[vjp]
#[hvp]
fn layer(p: &(DMatrix<f64>, DVector<f64>), x: &DVector<f64>) -> f64 {
    let (w, b) = p;
    (w * x + b).map(|z| z.tanh()).norm_squared() + p.0[(0, 1)] * p.1[0]
}

#[test]
fn dynamic_parts() {
    let p = (
        DMatrix::from_row_slice(2, 3, &[0.3, -0.8, 0.5, 1.2, 0.4, -0.7]),
        DVector::from_vec(vec![0.2, -0.5]),
    );
    let dp = (
        DMatrix::from_row_slice(2, 3, &[0.1, 0.7, -0.9, 0.4, -0.2, 0.6]),
        DVector::from_vec(vec![-0.3, 0.8]),
    );
    let (x, dx) = (
        DVector::from_vec(vec![0.9, -0.4, 0.6]),
        DVector::from_vec(vec![0.5, 0.3, -0.2]),
    );
    let at = |t: f64| ((&p.0 + &dp.0 * t, &p.1 + &dp.1 * t), &x + &dx * t);
    let flat = |g: &((DMatrix<f64>, DVector<f64>), DVector<f64>)| -> Vec<f64> {
        let parts = g.0.0.iter().chain(g.0.1.iter()).chain(g.1.iter());
        parts.copied().collect()
    };
    let direction = flat(&((dp.0.clone(), dp.1.clone()), dx.clone()));
    let gradient: ((DMatrix<f64>, DVector<f64>), DVector<f64>) = layer_gradient(&p, &x);
    let dot = |a: &[f64]| a.iter().zip(&direction).map(|(a, d)| a * d).sum::<f64>();
    let along = slope(|t| layer(&at(t).0, &at(t).1));
    assert_close(dot(&flat(&gradient)), along);
    assert_close(layer_jvp(&p, &x, &dp, &dx).1, along);
    let (value, pullback) = layer_vjp(&p, &x);
    assert_eq!(value, layer(&p, &x));
    assert_close(dot(&flat(&pullback(-1.0))), -along);
    let (by_p, by_x): (DMatrix<f64>, DMatrix<f64>) = layer_jacobian(&p, &x);
    assert_eq!((by_p.shape(), by_x.shape()), ((1, 8), (1, 3)));
    let row: Vec<f64> = by_p.iter().chain(by_x.iter()).copied().collect();
    assert_close(dot(&row), along);
    let ((pp, px), (xp, xx)) = layer_hessian(&p, &x);
    assert_eq!((pp.shape(), px.shape()), ((8, 8), (8, 3)));
    assert_eq!(
        (&pp, &px, &xx),
        (&pp.transpose(), &xp.transpose(), &xx.transpose())
    );
    let product = flat(&layer_hvp(&p, &x, &dp, &dx).1);
    for (i, entry) in product.iter().enumerate() {
        let numeric = slope(|t| flat(&layer_gradient(&at(t).0, &at(t).1))[i]);
        assert_close(*entry, numeric);
        let line: f64 = (0..11)
            .map(|j| {
                let h = match (i < 8, j < 8) {
                    (true, true) => pp[(i, j)],
                    (true, false) => px[(i, j - 8)],
                    (false, true) => xp[(i - 8, j)],
                    (false, false) => xx[(i - 8, j - 8)],
                };
                h * direction[j]
            })
            .sum();
        assert_close(line, numeric);
    }
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_tangent_of_another_shape() {
    let p = (DMatrix::zeros(2, 2), DVector::zeros(2));
    let dp = (DMatrix::zeros(2, 3), DVector::zeros(2));
    layer_jvp(&p, &DVector::zeros(2), &dp, &DVector::zeros(2));
}

/// Tuples in tuples, references and lists in them; parts that are not read have gradient zero.
#[gradient]
#[jacobian]
#[vjp]
fn nested(p: ((f64, f64), [f64; 2], &Vector2<f64>), q: (&[f64], Vec<f64>)) -> f64 {
    let ((a, _), c, v) = p;
    a * v.y + c[0] * p.1[1] * q.0[0] + q.1[1].exp() * q.0[1]
}

#[test]
fn nested_parts() {
    let v = Vector2::new(0.4, -0.9);
    let p = ((0.3, 0.8), [0.5, 1.5], &v);
    let q = (&[0.7, -0.2][..], vec![0.1, 0.6, 0.9]);
    let (p_bar, q_bar) = nested_gradient(p, q.clone());
    let p_bar: ((f64, f64), [f64; 2], Vector2<f64>) = p_bar;
    let q_bar: (Vec<f64>, Vec<f64>) = q_bar;
    assert_eq!(p_bar.0, (-0.9, 0.0));
    assert_close(p_bar.1[0], 1.5 * 0.7);
    assert_close(p_bar.1[1], 0.5 * 0.7);
    assert_eq!(p_bar.2, Vector2::new(0.0, 0.3));
    assert_close(q_bar.0[0], 0.75);
    assert_close(q_bar.0[1], 0.6_f64.exp());
    assert_eq!((q_bar.1.len(), q_bar.1[0], q_bar.1[2]), (3, 0.0, 0.0));
    assert_close(q_bar.1[1], -0.2 * 0.6_f64.exp());
    let (by_p, by_q): (SMatrix<f64, 1, 6>, DMatrix<f64>) = nested_jacobian(p, q.clone());
    assert_eq!(by_p[0], p_bar.0.0);
    assert_eq!((by_p[2], by_p[5]), (p_bar.1[0], p_bar.2.y));
    assert_eq!(by_q.shape(), (1, 5));
    assert_eq!((by_q[1], by_q[3]), (q_bar.0[1], q_bar.1[1]));
    let (value, pullback) = nested_vjp(p, q.clone());
    assert_eq!(value, nested(p, q));
    assert_eq!(pullback(1.0).0, p_bar);
}

/// Kept statements read the parts; views; branches.
#[gradient(wrt(p))]
fn kept(p: (DVector<f64>, DVectorView<f64>, f64), note: &mut Vec<usize>) -> f64 {
    note.push(2);
    println!("{:?} {}", p, p.0);
    assert!(p.2 > 0.0, "the last part is {}", p.2);
    let scale = if p.2 > 1.0 { p.2 } else { p.0[0] };
    p.0.dot(&p.1) * scale
}

#[test]
fn kept_statements() {
    let (a, b) = (
        DVector::from_vec(vec![0.3, 0.5]),
        DVector::from_vec(vec![2.0, -1.0]),
    );
    let mut note = Vec::new();
    let (a_bar, b_bar, s_bar): (DVector<f64>, DVector<f64>, f64) =
        kept_gradient((a.clone(), b.as_view(), 2.0), &mut note);
    assert_eq!(note, [2]);
    assert_eq!((a_bar, b_bar, s_bar), (&b * 2.0, &a * 2.0, a.dot(&b)));
    let (a_bar, _, s_bar) = kept_gradient((a.clone(), b.as_view(), 0.5), &mut note);
    assert_close(a_bar[0], 0.3 * 2.0 + a.dot(&b));
    assert_eq!(s_bar, 0.0);
}

/// What is left out of `wrt` stays Rust, with parts of any type.
#[gradient(wrt(x))]
fn inert(x: f64, p: (f64, usize, &str), q: &(DVector<f64>, f64)) -> f64 {
    let (a, n, name) = p;
    x * a + q.0[n] * x * x + (name.len() as f64) * q.1
}

#[test]
fn inert_tuples() {
    let q = (DVector::from_vec(vec![1.0, 3.0]), 4.0);
    assert_eq!(inert_gradient(2.0, (5.0, 1, "ab"), &q), 17.0);
}

/// Results of more than one number.
#[jacobian]
#[vjp]
fn polar(p: (f64, f64)) -> (f64, Vector2<f64>) {
    let (r, angle) = p;
    (r, Vector2::new(angle.cos(), angle.sin()) * r)
}

#[test]
fn several_rows() {
    let (by_first, by_second): (SMatrix<f64, 1, 2>, SMatrix<f64, 2, 2>) =
        polar_jacobian((2.0, 0.5));
    assert_eq!(by_first, SMatrix::<f64, 1, 2>::new(1.0, 0.0));
    assert_close(by_second[(0, 0)], 0.5_f64.cos());
    assert_close(by_second[(1, 1)], 2.0 * 0.5_f64.cos());
    let pulled: (f64, f64) = polar_vjp((2.0, 0.5)).1((1.0, Vector2::new(1.0, 0.0)));
    assert_close(pulled.0, 1.0 + 0.5_f64.cos());
}

/// Copies of a tuple, patterns behind references, generic and owned parts.
#[gradient]
fn copied(p: (f64, f64)) -> f64 {
    let q = p;
    let (a, b) = q;
    if a > 0.0 {
        return a * b;
    }
    q.1 * q.1 * a
}

#[gradient]
fn dereferenced(p: &(f64, (Vector2<f64>, f64))) -> f64 {
    let &(a, (v, b)) = p;
    a * v.x * b
}

#[gradient]
#[hvp]
fn generic<T: RealField + Copy, const N: usize>(
    p: (T, SMatrix<T, N, N>),
    xs: &[SVector<T, N>],
) -> T {
    (p.1 * xs[0]).norm() * p.0
}

#[vjp]
fn owned(ws: Vec<DMatrix<f64>>, p: (DVector<f64>, f64)) -> DVector<f64> {
    let w = &ws[0];
    let v = &p.0;
    w * (w * v).map(|z| z.sin()) * p.1 + v
}

#[test]
fn ways_to_read_a_tuple() {
    for p in [(0.7, -0.4), (-0.3, 0.9)] {
        let (a, b) = copied_gradient(p);
        assert_close(a, slope(|t| copied((p.0 + t, p.1))));
        assert_close(b, slope(|t| copied((p.0, p.1 + t))));
    }
    let p = (2.0, (Vector2::new(3.0, 4.0), 5.0));
    assert_eq!(
        dereferenced_gradient(&p),
        (15.0, (Vector2::new(10.0, 0.0), 6.0))
    );

    let m = SMatrix::<f64, 2, 2>::new(0.3, -0.8, 0.5, 1.2);
    let xs = [Vector2::new(0.4, 0.9)];
    let ((scale, by_m), by_xs) = generic_gradient((0.7, m), &xs);
    assert_close(scale, (m * xs[0]).norm());
    let along = slope(|t| generic((0.7, m + m * t), &[xs[0] * (1.0 + t)]));
    assert_close(by_m.dot(&m) + by_xs[0].dot(&xs[0]), along);
    let product = generic_hvp((0.7, m), &xs, (0.0, m), &[xs[0] * 0.0]).1;
    let numeric = slope(|t| generic_gradient((0.7, m + m * t), &xs).0.1[(0, 1)]);
    assert_close(product.0.1[(0, 1)], numeric);

    let w = DMatrix::from_row_slice(2, 2, &[0.4, -0.7, 1.1, 0.2]);
    let v = DVector::from_vec(vec![0.3, 0.5]);
    let (value, pullback) = owned_vjp(vec![w.clone()], (v.clone(), 0.8));
    assert_eq!(value, owned(vec![w.clone()], (v.clone(), 0.8)));
    let bar = DVector::from_vec(vec![0.9, -0.2]);
    let (w_bar, (v_bar, s_bar)) = pullback(bar.clone());
    let along = slope(|t| owned(vec![&w * (1.0 + t)], (&v * (1.0 + t), 0.8 * (1.0 + t))).dot(&bar));
    assert_close(w_bar[0].dot(&w) + v_bar.dot(&v) + s_bar * 0.8, along);
}

check! {
    at [
        Vector6::new(0.7, -0.4, 0.3, 0.2, -0.9, 0.5),
        Vector6::new(-1.1, 0.8, 1.6, -0.3, 1.4, 0.9),
    ];
    parts_that_change: changed changed_value_and_gradient changed_hessian changed_jvp changed_vjp;
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn changed(x: &Vector6<f64>) -> f64 {
    let mut p = (x[0], x[1] * 2.0);
    let mut q = (0.0, Vector2::zeros());
    p.0 += p.1;
    for k in 0..3 {
        p.1 *= x[2] + k as f64;
        if p.0 > 1.0 {
            p.0 = x[3] * p.1;
        }
        q = (q.0 + p.0, q.1 * x[4] + Vector2::new(p.0, p.1));
    }
    q.1 += Vector2::new(x[5], q.0);
    p.0 * p.1 + q.1.norm_squared()
}
