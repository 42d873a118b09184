//! `checkpoint`: the derivatives are the same, and what is kept grows with the square root of the number of iterations.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::slope;
use nalgebra::{DMatrix, DVector, dvector};
use nalgrad::{differentiable, gradient, hessian, hvp, jacobian, vjp};

/// The same body with checkpoints, once in three iterations, and without.
macro_rules! three_ways {
    ($root:ident $three:ident $plain:ident $params:tt -> $result:ty $body:block) => {
        #[gradient(checkpoint)]
        #[hessian(checkpoint)]
        #[hvp(checkpoint)]
        #[vjp(checkpoint)]
        fn $root $params -> $result $body

        #[gradient(checkpoint = 3)]
        #[hessian(checkpoint = 3)]
        #[hvp(checkpoint = 3)]
        #[vjp(checkpoint = 3)]
        fn $three $params -> $result $body

        #[gradient]
        #[hessian]
        #[hvp]
        #[vjp]
        fn $plain $params -> $result $body
    };
}

three_ways! {
    pendulum pendulum_3 pendulum_plain (angle: f64, length: f64, n: usize) -> f64 {
        let (mut angle, mut speed) = (angle, 0.0);
        for _ in 0..n {
            speed -= 0.1 / length * angle.sin();
            angle += 0.1 * speed;
        }
        angle
    }
}

three_ways! {
    network network_3 network_plain (x: &DVector<f64>, a: &DMatrix<f64>, w: &[f64]) -> f64 {
        let mut x = x.clone();
        let mut total = 0.0;
        for i in (0..w.len()).rev() {
            let k = i % 2;
            if i > 0 {
                x = (a * &x).map(|v| v.tanh()) * w[i];
            }
            for j in 0..x.len() {
                total += x[j] * x[k];
            }
        }
        total + x.norm_squared()
    }
}

#[test]
fn a_pendulum() {
    let (a, l) = (0.7, 1.3);
    for n in [0, 1, 2, 3, 4, 7, 9, 10, 30] {
        let want = (
            slope(|t| pendulum_plain(a + t, l, n)),
            slope(|t| pendulum_plain(a, l + t, n)),
        );
        for (value, gradient) in [
            pendulum_value_and_gradient(a, l, n),
            pendulum_3_value_and_gradient(a, l, n),
        ] {
            assert_eq!(value, pendulum_plain(a, l, n));
            assert!((gradient.0 - want.0).abs() < 1e-8);
            assert!((gradient.1 - want.1).abs() < 1e-8);
        }
        // The same operations in the same order.
        let plain = pendulum_plain_gradient(a, l, n);
        assert_eq!(pendulum_gradient(a, l, n), plain);
        assert_eq!(pendulum_3_gradient(a, l, n), plain);
        let plain = pendulum_plain_hessian(a, l, n);
        assert_eq!(pendulum_hessian(a, l, n), plain);
        assert_eq!(pendulum_3_hessian(a, l, n), plain);
        let plain = pendulum_plain_hvp(a, l, n, 0.3, -0.4);
        assert_eq!(pendulum_hvp(a, l, n, 0.3, -0.4), plain);
        assert_eq!(pendulum_3_hvp(a, l, n, 0.3, -0.4), plain);
        let by_differences = slope(|t| pendulum_plain_gradient(a + t, l, n).0);
        assert!((pendulum_hessian(a, l, n).0.0 - by_differences).abs() < 1e-7);
    }
}

type Row = (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>);

fn blocks((a, b, c): (Row, Row, Row)) -> Vec<f64> {
    let all = [a, b, c].map(|row| [row.0, row.1, row.2]);
    let blocks = all.iter().flatten();
    blocks.flat_map(|block| block.iter().copied()).collect()
}

fn entries((x, a, w): (DVector<f64>, DMatrix<f64>, Vec<f64>)) -> Vec<f64> {
    x.iter().chain(a.iter()).copied().chain(w).collect()
}

fn assert_near(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    assert!(
        a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() < 1e-13 * b.abs().max(1.0))
    );
}

#[test]
fn a_network() {
    let x = dvector![0.3, -0.2, 0.5];
    let a = DMatrix::from_fn(3, 3, |i, j| 0.4 + 0.3 * (i as f64 - 1.7 * j as f64).sin());
    for n in [0, 1, 2, 5, 11] {
        let w: Vec<f64> = (0..n).map(|i| 1.0 + 0.1 * f64::from(i)).collect();
        let plain = network_plain_gradient(&x, &a, &w);
        assert_eq!(network_gradient(&x, &a, &w), plain);
        assert_eq!(network_3_gradient(&x, &a, &w), plain);
        let entry = slope(|t| {
            let mut a = a.clone();
            a[(1, 2)] += t;
            network_plain(&x, &a, &w)
        });
        assert!((plain.1[(1, 2)] - entry).abs() < 1e-8);
        // Products may be added up in another order.
        let plain = blocks(network_plain_hessian(&x, &a, &w));
        assert_near(&blocks(network_hessian(&x, &a, &w)), &plain);
        assert_near(&blocks(network_3_hessian(&x, &a, &w)), &plain);
        let (dx, da, dw) = (&x * 0.5, &a * 0.1, vec![0.3; w.len()]);
        let plain = entries(network_plain_hvp(&x, &a, &w, &dx, &da, &dw).1);
        let with = network_hvp(&x, &a, &w, &dx, &da, &dw);
        assert_near(&entries(with.1), &plain);
        let with = network_3_hvp(&x, &a, &w, &dx, &da, &dw);
        assert_near(&entries(with.1), &plain);
        let (value, pullback) = network_vjp(&x, &a, &w);
        assert_eq!(value, network_plain(&x, &a, &w));
        // It can be called again.
        assert_eq!(pullback(2.0), network_plain_vjp(&x, &a, &w).1(2.0));
        assert_eq!(pullback(1.0), network_plain_gradient(&x, &a, &w));
        let _ = network_3_vjp(&x, &a, &w).1(1.0);
        let _ = (
            pendulum_vjp(0.1, 1.0, n as usize),
            pendulum_3_vjp(0.1, 1.0, n as usize),
        );
        let _ = pendulum_plain_vjp(0.1, 1.0, n as usize);
    }
}

/// What grows: the state.
#[differentiable(checkpoint)]
fn grown(x: &DVector<f64>, steps: i32) -> DVector<f64> {
    let mut x = x.clone();
    'time: for k in (0..steps).step_by(2) {
        for i in 1..x.len() {
            if k == 4 {
                continue 'time;
            }
            x[i] += 0.1 * (x[i - 1] * x[i]).sin();
        }
    }
    x
}

#[jacobian(mode = reverse, checkpoint = 2)]
fn twice(x: &DVector<f64>) -> DVector<f64> {
    let first: DVector<f64> = grown(x, 9);
    let mut x = first;
    for v in [0.5, 2.0, -1.0].iter() {
        x = x.map(|x| (x * v).cos());
    }
    for _ in 0..4 {
        x = x.map(|x| x * x.sin());
    }
    x
}

#[test]
fn calls_and_jacobians() {
    let x = dvector![0.3, 0.9, -0.4];
    let jacobian = twice_jacobian(&x);
    assert_eq!(twice_value_and_jacobian(&x).0, twice(&x));
    for i in 0..3 {
        for j in 0..3 {
            let want = slope(|t| {
                let mut x = x.clone();
                x[j] += t;
                twice(&x)[i]
            });
            assert!((jacobian[(i, j)] - want).abs() < 1e-8, "{i} {j}");
        }
    }
}

#[gradient(checkpoint)]
fn diffused(x: &DVector<f64>, n: usize) -> f64 {
    let mut x = x.clone();
    for _ in 0..n {
        let k = x.len() - 1;
        let flow = (x.rows(1, k) - x.rows(0, k)).map(|d| 0.1 * d.tanh());
        for i in 0..k {
            x[i] += flow[i];
            x[i + 1] -= flow[i];
        }
    }
    x.norm_squared()
}

#[test]
fn vectors_that_are_kept() {
    let x = DVector::from_fn(20, |i, _| (1.7 * i as f64).sin());
    let gradient = diffused_gradient(&x, 30);
    let slope = slope(|t| {
        let mut x = x.clone();
        x[3] += t;
        diffused(&x, 30)
    });
    assert!((gradient[3] - slope).abs() < 1e-8);
    let most = |n| allocation_counter::measure(|| drop(diffused_gradient(&x, n))).bytes_max as f64;
    let growth = most(16 * 400) / most(400);
    assert!(growth < 5.0, "{growth}");
}

#[test]
fn what_is_kept() {
    let most = |f: &dyn Fn(usize) -> (f64, f64), n: usize| {
        allocation_counter::measure(|| {
            f(n);
        })
        .bytes_max
    };
    let root = |n| pendulum_gradient(0.7, 1.3, n);
    let plain = |n| pendulum_plain_gradient(0.7, 1.3, n);
    // Sixteen times the iterations: four times the records.
    let growth = |f: &dyn Fn(usize) -> (f64, f64)| most(f, 16 * 2500) as f64 / most(f, 2500) as f64;
    assert!(growth(&root) < 5.0, "{}", growth(&root));
    assert!(growth(&plain) > 12.0, "{}", growth(&plain));
    assert!(most(&root, 40_000) * 20 < most(&plain, 40_000));
}
