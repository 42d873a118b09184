//! Slices, arrays and `Vec`s of numbers as parameters: gradients of their owned types.

#![allow(clippy::needless_range_loop, reason = "written as people write")]
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
    DMatrix, DVector, Matrix2, Matrix3, RowDVector, SMatrix, SVector, Vector2, Vector3, Vector6,
};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};

#[gradient]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn rosenbrock(x: &[f64]) -> f64 {
    (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2) + x.len() as f64
}

#[test]
fn slices() {
    let (x, dx) = ([-1.2, 1.0, 0.5], [0.3, -0.8, 1.0]);
    let gradient: Vec<f64> = rosenbrock_gradient(&x);
    assert_eq!(gradient.len(), 3);
    let moved = |t: f64| -> Vec<f64> { x.iter().zip(&dx).map(|(x, d)| x + t * d).collect() };
    let dot = |a: &[f64]| a.iter().zip(&dx).map(|(a, d)| a * d).sum::<f64>();
    let directional = slope(|t| rosenbrock(&moved(t)));
    assert_close(dot(&gradient), directional);
    assert_close(rosenbrock_jvp(&x, &dx).1, directional);
    let pulled: Vec<f64> = rosenbrock_vjp(&x).1(2.0);
    assert_close(dot(&pulled), 2.0 * directional);
    let h: DMatrix<f64> = rosenbrock_hessian(&x);
    let product: Vec<f64> = rosenbrock_hvp(&x, &dx).1;
    for (i, entry) in product.iter().enumerate() {
        let along = slope(|t| rosenbrock_gradient(&moved(t))[i]);
        assert_close(*entry, along);
        assert_close((0..3).map(|j| h[(i, j)] * dx[j]).sum(), along);
    }
}

#[gradient]
#[jacobian]
fn arrays(p: [f64; 3], q: &[f64; 2], v: Vec<f64>) -> f64 {
    p[0] * q[1] + (p[1] * p[2]).sin() * v[0] + q[0] * v[1]
}

#[test]
fn arrays_and_vecs() {
    let (p, q, v) = ([0.3, -0.8, 0.5], [1.2, 0.7], vec![0.4, -0.9, 2.0]);
    let (p_bar, q_bar, v_bar): ([f64; 3], [f64; 2], Vec<f64>) = arrays_gradient(p, &q, v.clone());
    for i in 0..3 {
        let at = |t: f64| {
            let mut p = p;
            p[i] += t;
            arrays(p, &q, v.clone())
        };
        assert_close(p_bar[i], slope(at));
    }
    assert_close(q_bar[1], p[0]);
    assert_close(q_bar[0], v[1]);
    assert_eq!(v_bar.len(), 3);
    assert_close(v_bar[0], (p[1] * p[2]).sin());
    assert_eq!(v_bar[2], 0.0);
    let (by_p, by_q, by_v): (SMatrix<f64, 1, 3>, SMatrix<f64, 1, 2>, DMatrix<f64>) =
        arrays_jacobian(p, &q, v);
    assert_close(by_p[0], p_bar[0]);
    assert_close(by_q[1], q_bar[1]);
    assert_eq!(by_v.shape(), (1, 3));
}

/// As vectors of nalgebra's, by constructors.
#[gradient(wrt(p, data))]
#[vjp]
fn rigid(p: &[f64; 6], data: &[f64], m: &Matrix3<f64>) -> f64 {
    let w = Vector3::new(p[0], p[1], p[2]);
    let t = Vector3::new(p[3], p[4], p[5]);
    let all = DVector::from_column_slice(data);
    (m * w + t).norm_squared() * all.norm()
}

#[test]
fn lists_become_vectors() {
    let (p, data) = ([0.3, -0.8, 0.5, 1.2, 0.7, -0.2], [0.4, -0.9]);
    let m = Matrix3::new(1.0, 2.0, 0.3, 0.1, -0.4, 0.2, 0.9, 0.6, 1.1);
    let (p_bar, data_bar) = rigid_gradient(&p, &data, &m);
    for i in 0..6 {
        let at = |t: f64| {
            let mut p = p;
            p[i] += t;
            rigid(&p, &data, &m)
        };
        assert_close(p_bar[i], slope(at));
    }
    for i in 0..2 {
        let at = |t: f64| {
            let mut data = data;
            data[i] += t;
            rigid(&p, &data, &m)
        };
        assert_close(data_bar[i], slope(at));
    }
    let (value, pullback) = rigid_vjp(&p, &data, &m);
    assert_eq!(value, rigid(&p, &data, &m));
    assert_eq!(pullback(1.0).0, p_bar);
}

/// What is not in `wrt` stays what it is.
#[gradient(wrt(x))]
fn tabulated(x: f64, table: &[f64], weights: Vec<f64>, names: [u8; 2]) -> f64 {
    table[0] + table[1] * x + weights[names[0] as usize] * x * x
}

#[test]
fn inert_lists() {
    assert_eq!(
        tabulated_gradient(2.0, &[1.0, 3.0], vec![5.0, 7.0], [1, 0]),
        31.0
    );
}

/// Vectors of a static size.
#[gradient]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn springs(xs: &[Vector3<f64>], i: usize) -> f64 {
    let d = xs[0] - xs[i];
    d.norm() * xs.len() as f64 + xs[i + 1].x * xs[0][1] + xs[1].z.sin()
}

fn flat(xs: &[Vector3<f64>]) -> DVector<f64> {
    DVector::from_iterator(3 * xs.len(), xs.iter().flatten().copied())
}

#[test]
fn lists_of_vectors() {
    let xs: Vec<Vector3<f64>> = (0..4)
        .map(|i| Vector3::new(0.3, -0.8, 0.5) * (f64::from(i) + 0.5).sin())
        .collect();
    let dx: Vec<Vector3<f64>> = (0..4)
        .map(|i| Vector3::new(0.1, 0.7, -0.4) * (f64::from(i) * 1.3).cos())
        .collect();
    let moved =
        |t: f64| -> Vec<Vector3<f64>> { xs.iter().zip(&dx).map(|(x, d)| x + d * t).collect() };
    let (value, gradient): (f64, Vec<Vector3<f64>>) = springs_value_and_gradient(&xs, 1);
    assert_eq!(value, springs(&xs, 1));
    assert_eq!(gradient, springs_gradient(&xs, 1));
    assert_eq!(gradient[3], Vector3::zeros());
    let along = slope(|t| springs(&moved(t), 1));
    assert_close(flat(&gradient).dot(&flat(&dx)), along);
    let (again, tangent) = springs_jvp(&xs, 1, &dx);
    assert_eq!(again, value);
    assert_close(tangent, along);
    let (again, pullback) = springs_vjp(&xs, 1);
    assert_eq!(again, value);
    let pulled: Vec<Vector3<f64>> = pullback(-2.0);
    assert_close(flat(&pulled).dot(&flat(&dx)), -2.0 * along);
    let jacobian: DMatrix<f64> = springs_jacobian(&xs, 1);
    assert_eq!(jacobian.shape(), (1, 12));
    assert_close((jacobian.transpose() - flat(&gradient)).norm(), 0.0);
    let hessian: DMatrix<f64> = springs_hessian(&xs, 1);
    assert_eq!(hessian, hessian.transpose());
    let (first, product): (Vec<Vector3<f64>>, Vec<Vector3<f64>>) = springs_hvp(&xs, 1, &dx);
    assert_close((flat(&first) - flat(&gradient)).norm(), 0.0);
    for k in 0..12 {
        let numeric = slope(|t| flat(&springs_gradient(&moved(t), 1))[k]);
        assert_close(flat(&product)[k], numeric);
        assert_close((&hessian * flat(&dx))[k], numeric);
    }
}

#[test]
#[should_panic(expected = "index out of bounds: the len is 2 but the index is 2")]
fn an_index_out_of_bounds() {
    springs_gradient(&[Vector3::zeros(), Vector3::x()], 1);
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_tangent_of_another_length() {
    springs_jvp(&[Vector3::zeros(); 3], 1, &[Vector3::zeros(); 2]);
}

/// Matrices of a static size, in an array; const generics.
#[jacobian]
#[jvp]
#[vjp]
fn chain(ms: [Matrix3<f64>; 2], x: &Vector3<f64>) -> Vector3<f64> {
    ms[1] * (ms[0] * x).map(|z| z.sin())
}

#[gradient(wrt(points))]
#[jvp]
fn cloud<const D: usize, const N: usize>(points: &[SVector<f64, D>; N], k: usize) -> f64 {
    let d = points[k] - points[0];
    d.norm_squared() * points[1][0]
}

#[test]
fn arrays_of_matrices() {
    let ms = [
        Matrix3::new(0.3, -0.8, 0.5, 1.2, 0.4, -0.7, 0.1, 0.9, -0.2),
        Matrix3::new(-0.6, 0.2, 1.1, 0.8, -0.3, 0.5, 0.7, 0.4, 0.9),
    ];
    let dms = [ms[1] * 0.5, ms[0].transpose()];
    let (x, dx) = (Vector3::new(0.4, -0.9, 0.6), Vector3::new(0.2, 0.3, -0.5));
    let at = |t: f64| chain([ms[0] + dms[0] * t, ms[1] + dms[1] * t], &(x + dx * t));
    let (by_ms, by_x): (SMatrix<f64, 3, 18>, SMatrix<f64, 3, 3>) = chain_jacobian(ms, &x);
    let direction = SVector::<f64, 18>::from_iterator(dms.iter().flatten().copied());
    let (value, tangent) = chain_jvp(ms, &x, dms, &dx);
    assert_eq!(value, chain(ms, &x));
    let y_bar = Vector3::new(0.7, -0.4, 0.3);
    let (again, pullback) = chain_vjp(ms, &x);
    assert_eq!(again, value);
    let (ms_bar, x_bar): ([Matrix3<f64>; 2], Vector3<f64>) = pullback(y_bar);
    for i in 0..3 {
        let along = slope(|t| at(t)[i]);
        assert_close(tangent[i], along);
        assert_close((by_ms * direction + by_x * dx)[i], along);
    }
    let all = ms_bar[0].dot(&dms[0]) + ms_bar[1].dot(&dms[1]) + x_bar.dot(&dx);
    assert_close(all, slope(|t| at(t).dot(&y_bar)));
}

#[test]
fn const_generics() {
    let points = [
        Vector2::new(0.3, -0.8),
        Vector2::new(0.5, 1.2),
        Vector2::new(-0.4, 0.7),
    ];
    let dp = [
        Vector2::new(0.1, 0.6),
        Vector2::new(-0.9, 0.2),
        Vector2::new(0.5, -0.3),
    ];
    let gradient: [Vector2<f64>; 3] = cloud_gradient(&points, 2);
    let along = slope(|t| {
        let at: [Vector2<f64>; 3] = std::array::from_fn(|i| points[i] + dp[i] * t);
        cloud(&at, 2)
    });
    assert_close((0..3).map(|i| gradient[i].dot(&dp[i])).sum(), along);
    assert_close(cloud_jvp(&points, 2, &dp).1, along);
}

/// Matrices of dynamic sizes, each of its own.
#[gradient]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn network(ws: &[DMatrix<f64>], bs: Vec<DVector<f64>>, x: &DVector<f64>) -> f64 {
    let first = &ws[0];
    let h = (first * x + &bs[0]).map(|z| z.tanh());
    (&ws[1] * h + &bs[1]).norm_squared() + ws[0][(0, 1)] * bs[1][0] + bs[2].len() as f64
}

#[test]
fn dynamic_lists() {
    let matrix = |r: usize, c: usize, s: f64| {
        DMatrix::from_fn(r, c, |i, j| (s + (i * c + j) as f64 * 1.7).sin())
    };
    let vector = |n: usize, s: f64| DVector::from_fn(n, |i, _| (s + i as f64).cos());
    let (ws, dws) = (
        vec![matrix(2, 3, 0.1), matrix(4, 2, 0.5)],
        vec![matrix(2, 3, 0.9), matrix(4, 2, 2.5)],
    );
    let (bs, dbs) = (
        vec![vector(2, 0.3), vector(4, 0.8), vector(3, 1.8)],
        vec![vector(2, 1.3), vector(4, 0.1), vector(3, 0.4)],
    );
    let (x, dx) = (vector(3, 0.7), vector(3, 2.1));
    type All = (Vec<DMatrix<f64>>, Vec<DVector<f64>>, DVector<f64>);
    let at = |t: f64| -> All {
        (
            ws.iter().zip(&dws).map(|(w, d)| w + d * t).collect(),
            bs.iter().zip(&dbs).map(|(b, d)| b + d * t).collect(),
            &x + &dx * t,
        )
    };
    let flat = |(ws, bs, x): &All| -> DVector<f64> {
        let ws = ws.iter().flat_map(|w| w.iter());
        let entries = ws.chain(bs.iter().flat_map(|b| b.iter())).chain(x.iter());
        DVector::from_vec(entries.copied().collect())
    };
    let direction = flat(&(dws.clone(), dbs.clone(), dx.clone()));
    let value = network(&ws, bs.clone(), &x);
    let (same, gradient): (f64, All) = network_value_and_gradient(&ws, bs.clone(), &x);
    assert_eq!(same, value);
    assert_eq!(gradient.1[2], DVector::zeros(3));
    let along = slope(|t| {
        let (ws, bs, x) = at(t);
        network(&ws, bs, &x)
    });
    assert_close(flat(&gradient).dot(&direction), along);
    let (same, tangent) = network_jvp(&ws, bs.clone(), &x, &dws, dbs.clone(), &dx);
    assert_eq!(same, value);
    assert_close(tangent, along);
    let (same, pullback) = network_vjp(&ws, bs.clone(), &x);
    assert_eq!(same, value);
    assert_close(flat(&pullback(3.0)).dot(&direction), 3.0 * along);
    assert_close(flat(&pullback(1.0)).dot(&direction), along);
    let (by_ws, by_bs, by_x): (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>) =
        network_jacobian(&ws, bs.clone(), &x);
    assert_eq!((by_ws.shape(), by_bs.shape()), ((1, 14), (1, 9)));
    let row: Vec<f64> = [by_ws, by_bs, by_x].iter().flatten().copied().collect();
    let row = RowDVector::from_vec(row);
    assert_close((row.transpose() - flat(&gradient)).norm(), 0.0);
    let (first, product): (All, All) = network_hvp(&ws, bs.clone(), &x, &dws, dbs.clone(), &dx);
    assert_close((flat(&first) - flat(&gradient)).norm(), 0.0);
    let hessian = network_hessian(&ws, bs.clone(), &x);
    let of_ws = {
        let ((a, b, c), _, _) = &hessian;
        let (d, e, f) = (
            direction.rows(0, 14),
            direction.rows(14, 9),
            direction.rows(23, 3),
        );
        a * d + b * e + c * f
    };
    for k in 0..26 {
        let numeric = slope(|t| {
            let (ws, bs, x) = at(t);
            flat(&network_gradient(&ws, bs, &x))[k]
        });
        assert_close(flat(&product)[k], numeric);
        if k < 14 {
            assert_close(of_ws[k], numeric);
        }
    }
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_tangent_with_an_element_of_another_shape() {
    let ws = [DMatrix::zeros(2, 3), DMatrix::zeros(1, 2)];
    let dws = [DMatrix::zeros(3, 2), DMatrix::zeros(1, 2)];
    let bs = vec![DVector::zeros(2), DVector::zeros(1), DVector::zeros(0)];
    let x = DVector::zeros(3);
    network_jvp(&ws, bs.clone(), &x, &dws, bs, &x);
}

/// In branches, twice the same element, and elements by the name of another parameter.
#[gradient(wrt(xs))]
#[hvp]
fn chosen(xs: &[DVector<f64>], i: usize, twice: bool) -> f64 {
    let x = &xs[i];
    if x[0] > 0.0 {
        if twice {
            x.norm()
        } else {
            xs[0].dot(&xs[0]) * xs[i + 1][1]
        }
    } else {
        x.sum() * x[1]
    }
}

#[test]
fn elements_in_branches() {
    let xs = [
        DVector::from_vec(vec![0.3, 0.8]),
        DVector::from_vec(vec![-0.5, 1.2, 0.4]),
        DVector::from_vec(vec![0.7, -0.9]),
    ];
    let dx = [
        DVector::from_vec(vec![0.6, -0.1]),
        DVector::from_vec(vec![0.2, 0.5, -0.8]),
        DVector::from_vec(vec![-0.3, 0.4]),
    ];
    for (i, twice) in [(0, true), (0, false), (1, false), (1, true)] {
        let moved =
            |t: f64| -> Vec<DVector<f64>> { xs.iter().zip(&dx).map(|(x, d)| x + d * t).collect() };
        let dot = |g: &[DVector<f64>]| g.iter().zip(&dx).map(|(g, d)| g.dot(d)).sum::<f64>();
        let gradient: Vec<DVector<f64>> = chosen_gradient(&xs, i, twice);
        assert_close(dot(&gradient), slope(|t| chosen(&moved(t), i, twice)));
        let product = chosen_hvp(&xs, i, twice, &dx).1;
        let along = slope(|t| dot(&chosen_gradient(&moved(t), i, twice)));
        assert_close(dot(&product), along);
    }
}

/// A list of which no element is read, and one that is empty.
#[gradient]
#[jacobian]
#[allow(unused_variables, reason = "that is what is tested")]
fn unread(x: f64, xs: &[Vector3<f64>], ws: &[DMatrix<f64>], pair: [Vector3<f64>; 2]) -> f64 {
    x * x + ws.len() as f64
}

#[test]
fn lists_that_are_not_read() {
    let ws = [DMatrix::zeros(2, 1)];
    let (x, xs, all, pair) = unread_gradient(3.0, &[], &ws, [Vector3::x(); 2]);
    assert_eq!((x, xs.len(), &all[..]), (6.0, 0, &ws[..]));
    assert_eq!(pair, [Vector3::zeros(); 2]);
    let (_, by_xs, by_ws, by_pair) = unread_jacobian(3.0, &[], &ws, pair);
    assert_eq!((by_xs.shape(), by_ws.shape()), ((1, 0), (1, 2)));
    assert_eq!(by_pair, SMatrix::<f64, 1, 6>::zeros());
}

/// Lists that are not differentiated have elements of known types.
#[gradient(wrt(x))]
fn near(x: &Vector3<f64>, centers: &[Vector3<f64>], scales: Vec<DMatrix<f64>>, k: usize) -> f64 {
    let d = x - centers[k];
    (&scales[k] * d).norm_squared() + d.dot(&centers[0])
}

#[test]
fn inert_lists_of_matrices() {
    let x = Vector3::new(0.3, -0.8, 0.5);
    let centers = [Vector3::new(0.1, 0.2, 0.3), Vector3::new(-0.7, 0.4, 0.9)];
    let scales = vec![DMatrix::identity(3, 3), DMatrix::identity(3, 3) * 2.0];
    let gradient = near_gradient(&x, &centers, scales, 1);
    let expected = (x - centers[1]) * 8.0 + centers[0];
    assert_close((gradient - expected).norm(), 0.0);
}

/// What the elements of an inert list are is told by the type of the list, also where the index is one of a loop.
mod elements_of_an_inert_list_in_loops {
    use nalgebra::{DMatrix, DVector, Matrix2, Vector2};
    use nalgrad::{gradient, jacobian};

    #[jacobian(wrt(x))]
    fn turned(x: &Vector2<f64>, turns: &[Matrix2<f64>]) -> Vector2<f64> {
        let mut y = x * 1.0;
        for k in 0..turns.len() {
            y = turns[k] * y;
        }
        y
    }

    #[gradient(wrt(x))]
    fn misses(x: &DVector<f64>, matrices: &[DMatrix<f64>], targets: &[DVector<f64>]) -> f64 {
        let mut sum = 0.0;
        for (k, target) in targets.iter().enumerate() {
            let target: &DVector<f64> = target;
            sum += (&matrices[k] * x - target).norm_squared();
        }
        sum
    }

    #[test]
    fn agree_with_the_formulas() {
        let turns = [
            Matrix2::new(0.0, -1.0, 2.0, 0.5),
            Matrix2::new(1.5, 0.3, 0.0, 1.0),
        ];
        let x = Vector2::new(0.4, -0.7);
        assert_eq!(turned(&x, &turns), turns[1] * (turns[0] * x));
        assert_eq!(turned_jacobian(&x, &turns), turns[1] * turns[0]);

        let matrices = [1.0, -2.0].map(|s| DMatrix::from_fn(3, 2, |i, j| s + (i * 2 + j) as f64));
        let targets = [0.5, 1.5].map(|s| DVector::from_element(3, s));
        let x = DVector::from_row_slice(&[0.4, -0.7]);
        let expected = (0..2).fold(DVector::zeros(2), |sum, k| {
            sum + matrices[k].tr_mul(&(&matrices[k] * &x - &targets[k])) * 2.0
        });
        let (value, found) = misses_value_and_gradient(&x, &matrices, &targets);
        assert_eq!(value, misses(&x, &matrices, &targets));
        assert!((found - expected).amax() < 1e-12);
    }
}

#[gradient]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn route(points: &[Vector2<f64>], turns: &[Matrix2<f64>], goal: &Vector2<f64>) -> f64 {
    let mut length = 0.0;
    let mut at = Vector2::zeros();
    let mut best = f64::INFINITY;
    for i in 1..points.len() {
        length += (points[i] - points[i - 1]).norm();
        at = turns[i % turns.len()] * at + points[i];
    }
    for (k, p) in points.iter().enumerate() {
        let miss = (p - goal).norm_squared() + 0.01 * k as f64;
        if miss < best {
            best = miss;
        }
    }
    length + at.norm_squared() + best
}

#[test]
fn elements_in_loops() {
    type Point = (Vec<Vector2<f64>>, Vec<Matrix2<f64>>, Vector2<f64>);
    let entries = |p: &Point| -> Vec<f64> {
        let points = p.0.iter().flat_map(|v| v.iter().copied());
        let turns = p.1.iter().flat_map(|m| m.iter().copied());
        points.chain(turns).chain(p.2.iter().copied()).collect()
    };
    let wave = |k: usize, seed: f64| (1.3 * k as f64 + seed).sin();
    let point = |seed: f64| -> Point {
        (
            (0..4)
                .map(|k| Vector2::new(wave(k, seed), wave(k + 7, seed)))
                .collect(),
            (0..2)
                .map(|k| Matrix2::from_fn(|i, j| wave(i + 2 * j + 5 * k, seed)))
                .collect(),
            Vector2::new(0.3, -0.2) * seed,
        )
    };
    let (at, direction) = (point(0.4), point(1.9));
    let moved = |t: f64| -> Point {
        (
            at.0.iter()
                .zip(&direction.0)
                .map(|(a, d)| a + d * t)
                .collect(),
            at.1.iter()
                .zip(&direction.1)
                .map(|(a, d)| a + d * t)
                .collect(),
            at.2 + direction.2 * t,
        )
    };
    let dot = |a: &Point| -> f64 {
        let pairs = entries(a).into_iter().zip(entries(&direction));
        pairs.map(|(a, d)| a * d).sum()
    };
    let value = |p: &Point| route(&p.0, &p.1, &p.2);
    let gradient = |p: &Point| route_gradient(&p.0, &p.1, &p.2);
    let along = slope(|t| value(&moved(t)));
    assert_close(dot(&gradient(&at)), along);
    let (same, tangent) = route_jvp(
        &at.0,
        &at.1,
        &at.2,
        &direction.0,
        &direction.1,
        &direction.2,
    );
    assert_eq!(same, value(&at));
    assert_close(tangent, along);
    assert_close(dot(&route_vjp(&at.0, &at.1, &at.2).1(2.0)), 2.0 * along);
    let (first, product) = route_hvp(
        &at.0,
        &at.1,
        &at.2,
        &direction.0,
        &direction.1,
        &direction.2,
    );
    assert_eq!(first, gradient(&at));
    for (k, entry) in entries(&product).into_iter().enumerate() {
        let want = slope(|t| entries(&gradient(&moved(t)))[k]);
        assert!(
            (entry - want).abs() < 1e-7 * (1.0 + want.abs()),
            "{k}: {entry} {want}"
        );
    }
    let (by_points, ..) = route_hessian(&at.0, &at.1, &at.2);
    let rows = by_points.0.nrows();
    assert_eq!((rows, by_points.1.ncols(), by_points.2.ncols()), (8, 8, 2));
    for i in 0..rows {
        let blocks = [&by_points.0, &by_points.1, &by_points.2];
        let row = blocks
            .iter()
            .flat_map(|block| (0..block.ncols()).map(|j| block[(i, j)]));
        let along: f64 = row.zip(entries(&direction)).map(|(h, d)| h * d).sum();
        assert_close(along, entries(&product)[i]);
    }
}

check! {
    at [
        Vector6::new(0.7, -0.4, 0.3, 0.2, -0.9, 0.5),
        Vector6::new(-1.1, 0.8, 1.6, -0.3, 1.4, 0.9),
    ];
    lists_of_vectors_that_change: walked walked_value_and_gradient walked_hessian walked_jvp walked_vjp;
    lists_of_matrices_that_change: posed posed_value_and_gradient posed_hessian posed_jvp posed_vjp;
    tables: tabled tabled_value_and_gradient tabled_hessian tabled_jvp tabled_vjp;
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn walked(x: &Vector6<f64>) -> f64 {
    let mut places = vec![Vector2::new(x[0], 1.0); x.len() - 2];
    let mut turns = [Vector3::zeros(); 3];
    for i in 1..places.len() {
        places[i] = places[i - 1] * x[1] + Vector2::new(x[2], 0.1 * i as f64);
        if x[i] > 0.0 {
            places[i].x += x[3];
            turns[i % 3] += Vector3::new(x[i], 0.5, x[0]);
        } else {
            turns[(i + 1) % 3][2] = x[4] * x[5];
        }
    }
    turns[0] *= x[4];
    let mut length = 0.0;
    for place in places.iter() {
        length += place.norm();
    }
    for (k, turn) in turns.iter().enumerate() {
        length += turn.norm_squared() * (k + 1) as f64;
    }
    assert!(places.len() == 4 && turns.len() == 3);
    length + places[places.len() - 1].dot(&places[1])
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn posed(x: &Vector6<f64>) -> f64 {
    let parents = [0, 0, 1, 1];
    let mut poses = [Matrix2::identity(); 4];
    let mut steps = vec![Matrix2::zeros(); parents.len()];
    for i in 1..4 {
        steps[i] = Matrix2::new(x[i], 1.0, -x[0], x[i + 1]);
        poses[i] = poses[parents[i]] * steps[i];
        poses[i][(0, 1)] += x[5];
    }
    let mut total = 0.0;
    for (pose, step) in poses.iter().zip(steps.iter()) {
        total += (pose * step).sum() + pose.column(1).norm_squared();
    }
    total
}

#[gradient]
#[hessian]
#[jvp]
#[vjp]
fn tabled(x: &Vector6<f64>) -> f64 {
    let mut table = vec![vec![0.0; 4]; x.len()];
    let mut small = [[x[0]; 2]; 2];
    for i in 1..table.len() {
        for j in 1..4 {
            table[i][j] = (table[i - 1][j - 1] * x[i] + x[j]).sin();
            table[i][0] += 0.1 * table[i][j];
        }
    }
    small[0][1] *= x[3];
    small[1][0] = small[0][1] * table[3][0];
    small[1][0] * small[1][1] + table[5][3]
}

/// Matrices of any sizes, one after the other.
#[gradient]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn layers(ws: &[DMatrix<f64>], bs: &[DVector<f64>], x: &DVector<f64>) -> f64 {
    let mut y = x.clone();
    let mut weight = 0.0;
    for (w, b) in ws.iter().zip(bs) {
        y = (w * &y + b).map(|v| v.max(0.0) + 0.1 * v.sin());
    }
    for k in 0..ws.len() {
        weight += ws[k].norm_squared() * bs[ws.len() - 1 - k].sum();
    }
    y.norm_squared() + 0.1 * weight
}

#[test]
fn lists_of_any_sizes_in_loops() {
    type Point = (Vec<DMatrix<f64>>, Vec<DVector<f64>>, DVector<f64>);
    let sizes = [3, 4, 2, 2];
    let wave = |k: usize, seed: f64| (1.3 * k as f64 + seed).sin();
    let point = |seed: f64| -> Point {
        let pairs = || sizes.iter().zip(&sizes[1..]).enumerate();
        (
            pairs()
                .map(|(k, (n, m))| DMatrix::from_fn(*m, *n, |i, j| wave(i + 4 * j + 7 * k, seed)))
                .collect(),
            pairs()
                .map(|(k, (_, m))| DVector::from_fn(*m, |i, _| wave(3 * i + k, seed + 1.0)))
                .collect(),
            DVector::from_fn(3, |i, _| wave(i, seed + 2.0)),
        )
    };
    let entries = |p: &Point| -> Vec<f64> {
        let ws = p.0.iter().flat_map(|m| m.iter().copied());
        let bs = p.1.iter().flat_map(|v| v.iter().copied());
        ws.chain(bs).chain(p.2.iter().copied()).collect()
    };
    let (at, direction) = (point(0.3), point(1.1));
    let moved = |t: f64| -> Point {
        (
            at.0.iter()
                .zip(&direction.0)
                .map(|(a, d)| a + d * t)
                .collect(),
            at.1.iter()
                .zip(&direction.1)
                .map(|(a, d)| a + d * t)
                .collect(),
            &at.2 + &direction.2 * t,
        )
    };
    let dot = |a: &Point| -> f64 {
        let pairs = entries(a).into_iter().zip(entries(&direction));
        pairs.map(|(a, d)| a * d).sum()
    };
    let value = |p: &Point| layers(&p.0, &p.1, &p.2);
    let gradient = |p: &Point| layers_gradient(&p.0, &p.1, &p.2);
    let along = slope(|t| value(&moved(t)));
    assert_close(dot(&gradient(&at)), along);
    let (same, tangent) = layers_jvp(
        &at.0,
        &at.1,
        &at.2,
        &direction.0,
        &direction.1,
        &direction.2,
    );
    assert_eq!(same, value(&at));
    assert_close(tangent, along);
    assert_close(dot(&layers_vjp(&at.0, &at.1, &at.2).1(2.0)), 2.0 * along);
    let (first, product) = layers_hvp(
        &at.0,
        &at.1,
        &at.2,
        &direction.0,
        &direction.1,
        &direction.2,
    );
    assert_eq!(first, gradient(&at));
    for (k, entry) in entries(&product).into_iter().enumerate() {
        let want = slope(|t| entries(&gradient(&moved(t)))[k]);
        assert!(
            (entry - want).abs() < 1e-7 * (1.0 + want.abs()),
            "{k}: {entry} {want}"
        );
    }
    let (.., by_x) = layers_hessian(&at.0, &at.1, &at.2);
    let blocks = [&by_x.0, &by_x.1, &by_x.2];
    let last = entries(&product).split_off(entries(&product).len() - 3);
    for (i, want) in last.into_iter().enumerate() {
        let row = blocks
            .iter()
            .flat_map(|block| (0..block.ncols()).map(move |j| block[(i, j)]));
        let along: f64 = row.zip(entries(&direction)).map(|(h, d)| h * d).sum();
        assert_close(along, want);
    }
}

/// Elements at indices that the iterations find, of static and of dynamic sizes, in a loop that carries a state.
#[gradient(wrt(xs, ws))]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn followed(xs: &[Vector2<f64>], ws: &[DVector<f64>], edges: &[(usize, usize)]) -> f64 {
    let mut s = 0.1;
    for (i, j) in edges {
        let d = xs[*i] - xs[*j];
        s = 0.5 * s * s + d.norm_squared().sin() * ws[*j].norm() + ws[edges[*i].0][0];
    }
    s
}

/// The same where the loop only adds up.
#[gradient]
#[hessian]
fn energy(xs: &[Vector3<f64>], faces: &[[usize; 3]]) -> f64 {
    let mut sum = 0.0;
    for &[i, j, k] in faces {
        let (a, b, c) = (xs[i], xs[j], xs[k]);
        sum += (b - a).cross(&(c - a)).norm() + a.dot(&b.cross(&c)).powi(2);
    }
    sum
}

#[test]
fn elements_at_indices_of_iterations() {
    use nalgrad::check;
    let xs = vec![
        Vector2::new(0.3, -0.1),
        Vector2::new(1.0, 0.4),
        Vector2::new(-0.5, 0.7),
    ];
    let ws: Vec<DVector<f64>> = (0..3)
        .map(|k| DVector::from_fn(k + 1, |i, _| 0.4 + i as f64))
        .collect();
    let edges = [(0, 1), (1, 2), (2, 0), (0, 2)];
    type At = (Vec<Vector2<f64>>, Vec<DVector<f64>>);
    let at: At = (xs, ws);
    let value = |p: &At| followed(&p.0, &p.1, &edges);
    let gradient = |p: &At| followed_gradient(&p.0, &p.1, &edges);
    check::gradient(value, &at, &gradient(&at)).unwrap();
    let jvp = |d: &At| followed_jvp(&at.0, &at.1, &edges, &d.0, &d.1);
    check::jvp(value, &at, jvp).unwrap();
    check::vjp(value, &at, followed_vjp(&at.0, &at.1, &edges)).unwrap();
    let hvp = |d: &At| {
        (
            gradient(&at),
            followed_hvp(&at.0, &at.1, &edges, &d.0, &d.1).1,
        )
    };
    check::jvp(gradient, &at, hvp).unwrap();
    let hessian = followed_hessian(&at.0, &at.1, &edges);
    check::jacobian(gradient, &at, &hessian).unwrap();

    let points: Vec<Vector3<f64>> = (0..4)
        .map(|k| Vector3::from_fn(|i, _| ((3 * k + i) as f64).sin()))
        .collect();
    let faces = [[0, 1, 2], [0, 3, 1], [1, 3, 2]];
    let gradient = |p: &Vec<Vector3<f64>>| energy_gradient(p, &faces);
    check::gradient(
        |p: &Vec<Vector3<f64>>| energy(p, &faces),
        &points,
        &gradient(&points),
    )
    .unwrap();
    check::jacobian(gradient, &points, &energy_hessian(&points, &faces)).unwrap();
}
