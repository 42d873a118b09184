//! What derivatives of loops cost, counted: allocations and their bytes.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

use allocation_counter::{AllocationInfo, measure};
use nalgebra::{DMatrix, DVector, Matrix3, Vector3};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

fn cost<R>(call: impl FnOnce() -> R) -> AllocationInfo {
    measure(|| {
        black_box(call());
    })
}

fn vector(n: usize) -> DVector<f64> {
    DVector::from_fn(n, |i, _| 0.4 + 0.3 * (1.7 * i as f64).sin())
}

fn matrix(rows: usize, columns: usize) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |i, j| {
        0.2 * (i as f64 - 1.3 * j as f64).cos()
    })
}

#[gradient]
#[vjp]
fn smoothed(x: &DVector<f64>) -> f64 {
    let mut y = x.clone();
    for i in 1..x.len() {
        y[i] = 0.5 * y[i - 1] * y[i] + x[i].sin();
    }
    y[x.len() - 1]
}

#[gradient]
fn swept(x: &DVector<f64>) -> f64 {
    let mut table = DMatrix::zeros(2, x.len());
    for i in 1..x.len() {
        table[(0, i)] = table[(1, i - 1)] * x[i];
        table[(1, i)] = table[(0, i)] + x[i - 1].exp();
        if x[i] > 0.5 {
            let column = table.column(i) * x[i];
            table.set_column(i, &column);
        }
    }
    table.sum()
}

#[gradient]
fn pushed(x: &DVector<f64>) -> f64 {
    let mut y = vec![x[0]];
    for i in 1..x.len() {
        y.push(0.5 * y[i - 1] * x[i] + y.last().unwrap().sin());
    }
    y[x.len() - 1]
}

#[gradient]
#[vjp]
fn pushed_vectors(x: &DVector<f64>) -> f64 {
    let mut path = vec![Vector3::new(x[0], 1.0, x[1])];
    for i in 1..x.len() {
        let last = path[path.len() - 1];
        path.push(last * x[i] + path[i - 1].cross(&Vector3::new(0.1, x[i], 0.3)));
    }
    let steps: Vec<Vector3<f64>> = path.windows(2).map(|w| w[1] - w[0]).collect();
    steps.iter().map(|s| s.norm_squared()).sum()
}

/// An iteration that reads and writes a few entries costs the same however many there are: no vector is made, kept or
/// copied in it.
#[test]
fn twice_the_entries_take_twice_the_memory() {
    type Derivative = fn(&DVector<f64>) -> DVector<f64>;
    let derivatives: [Derivative; 7] = [
        smoothed_gradient,
        |x| smoothed_value_and_gradient(x).1,
        |x| smoothed_vjp(x).1(1.0),
        swept_gradient,
        pushed_gradient,
        pushed_vectors_gradient,
        |x| pushed_vectors_vjp(x).1(1.0),
    ];
    for derivative in derivatives {
        let [small, large] = [1000, 2000].map(|n| {
            let x = vector(n);
            cost(|| derivative(&x)).bytes_total as f64
        });
        let growth = large / small;
        assert!((1.5..2.5).contains(&growth), "grows by {growth}");
    }
}

#[gradient]
#[hvp]
fn adds_up(a: f64, b: f64, n: usize) -> f64 {
    let mut total = 0.0;
    for i in 0..n {
        let t = 0.1 * i as f64;
        let u = (a * t).sin();
        if u > 0.0 {
            total += u * b.exp();
        }
    }
    total
}

#[gradient]
fn adds_up_vectors(a: &DMatrix<f64>, m: &DVector<f64>, x: &DMatrix<f64>) -> f64 {
    let mut total = 0.0;
    for i in 0..x.ncols() {
        let y = a * (x.column(i) - m);
        total += 0.5 * y.norm_squared();
    }
    total
}

#[gradient(wrt(a))]
#[hessian(wrt(a))]
fn mean(a: f64, x: &DVector<f64>, calls: &AtomicUsize) -> f64 {
    let mut total = 0.0;
    for i in 0..x.len() {
        calls.fetch_add(1, Ordering::Relaxed);
        total += (a * x[i]).sin();
    }
    let n = x.len() as f64;
    total / n
}

/// The same without a statement that has to come after the loop and before its derivative.
#[gradient(wrt(a))]
#[hessian(wrt(a))]
fn sum_of_sines(a: f64, x: &DVector<f64>, calls: &AtomicUsize) -> f64 {
    let mut total = 0.0;
    for i in 0..x.len() {
        calls.fetch_add(1, Ordering::Relaxed);
        total += (a * x[i]).sin();
    }
    total
}

/// One pass gives the value and the derivatives, and what happens in it happens once.
#[test]
fn effects_of_a_loop_that_only_adds_up_happen_once() {
    let (x, calls) = (vector(7), AtomicUsize::new(0));
    let called = || calls.swap(0, Ordering::Relaxed);
    let first = x.map(|t| (0.3 * t).cos() * t).sum();
    let second = -x.map(|t| (0.3 * t).sin() * t * t).sum();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-13, "{a} is not {b}");

    let value = sum_of_sines(0.3, &x, &calls);
    assert_eq!(called(), 7);
    let (same, gradient) = sum_of_sines_value_and_gradient(0.3, &x, &calls);
    assert_eq!(called(), 7);
    assert_eq!(value, same);
    close(gradient, first);
    let (same, gradient, hessian) = sum_of_sines_value_gradient_and_hessian(0.3, &x, &calls);
    assert_eq!(called(), 7);
    assert_eq!(value, same);
    close(gradient, first);
    close(hessian, second);

    let (same, gradient, hessian) = mean_value_gradient_and_hessian(0.3, &x, &calls);
    assert_eq!(called(), 7);
    assert_eq!(mean(0.3, &x, &calls), same);
    close(gradient, first / 7.0);
    close(hessian, second / 7.0);
}

#[test]
fn a_loop_that_only_adds_up_keeps_nothing() {
    for n in [1, 10, 1000] {
        assert_eq!(cost(|| adds_up_gradient(0.3, 0.2, n)).count_total, 0);
        assert_eq!(cost(|| adds_up_hvp(0.3, 0.2, n, 1.0, 0.5)).count_total, 0);
    }
    let allocations = |columns| {
        let (a, m, x) = (matrix(4, 3), vector(3), matrix(3, columns));
        cost(|| adds_up_vectors_value_and_gradient(&a, &m, &x)).count_total
    };
    assert_eq!(allocations(2), allocations(100));
}

/// Vectors of an iteration that nobody keeps share their memory with those of the next one.
#[test]
fn vectors_of_an_iteration_are_written_in_place() {
    let (a, m, x) = (matrix(4, 3), vector(3), matrix(3, 50));
    // Three derivatives, and the three vectors of an iteration twice.
    let found = cost(|| adds_up_vectors_value_and_gradient(&a, &m, &x)).count_total;
    assert!(found <= 10, "{found} allocations");
    let plain = cost(|| adds_up_vectors(&a, &m, &x)).count_total;
    assert!(found < plain, "{found} and {plain} allocations");
}

/// A network that is applied to its own output.
#[gradient]
fn recurrent(w: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    let mut h = DVector::zeros(w.nrows());
    for t in 0..x.ncols() {
        for _ in 0..2 {
            h = (w * &h + x.column(t)).map(f64::tanh);
        }
    }
    h.sum()
}

/// Vectors that are kept of an iteration share one list: it grows a few times, and so do those of what is kept of each.
#[test]
fn what_is_kept_of_iterations_is_not_allocated_one_by_one() {
    let allocations = |columns| {
        let (w, x) = (matrix(5, 5), matrix(5, columns));
        cost(|| recurrent_gradient(&w, &x)).count_total as usize
    };
    let (few, many) = (allocations(50), allocations(100));
    // What is kept of the inner loop is a list of its own.
    assert!(many <= few + 50 + 4, "{few} and {many} allocations");
}

#[gradient]
#[hessian]
#[vjp]
#[jvp]
fn root(a: f64, start: f64) -> f64 {
    let mut x = start;
    for _ in 0..5 {
        x = x - (x * x - a) / (2.0 * x);
    }
    x
}

#[gradient]
#[hvp]
#[jacobian]
fn spun(a: &Matrix3<f64>, v: &Vector3<f64>) -> f64 {
    let mut v = *v;
    let mut total = 0.0;
    for i in (1..=4).rev() {
        v = (a * v).map(f64::sin);
        for j in 0..3 {
            if i > 2 {
                v[j] = v[j] * v[j] + 0.1;
            }
        }
        total += v.norm_squared();
    }
    total
}

#[test]
fn static_sizes_and_counts_allocate_nothing() {
    let (a, v) = (
        Matrix3::new(0.8, -0.6, 0.1, 0.6, 0.8, -0.2, 0.3, 0.1, 0.9),
        Vector3::new(0.3, -0.2, 0.5),
    );
    for info in [
        cost(|| root_gradient(2.0, 1.3)),
        cost(|| root_hessian(2.0, 1.3)),
        cost(|| root_vjp(2.0, 1.3).1(1.0)),
        cost(|| root_jvp(2.0, 1.3, 1.0, 0.0)),
        cost(|| spun_gradient(&a, &v)),
        cost(|| spun_value_and_jacobian(&a, &v)),
        cost(|| spun_hvp(&a, &v, &a, &v)),
    ] {
        assert_eq!(info.count_total, 0);
    }
}

#[gradient]
fn ring(x: &[f64]) -> f64 {
    let mut total = 0.0;
    for i in 0..x.len() {
        let next = if i + 1 < x.len() { x[i + 1] } else { x[0] };
        total += (next - x[i]).powi(2);
    }
    total
}

#[gradient]
fn by_kinds(x: &DMatrix<f64>) -> f64 {
    let mut total = 0.0;
    for i in 0..x.nrows() {
        for j in 0..x.ncols() {
            total += if i == j {
                x[(i, j)]
            } else if i < j {
                x[(i, 0)] * x[(0, j)]
            } else {
                0.0
            };
        }
    }
    total
}

#[test]
fn entries_of_both_sides_of_a_branch_are_added_in_place() {
    let x = [1.0, 2.0, 4.0, 0.5];
    // 2 (xᵢ − xᵢ₋₁) − 2 (xᵢ₊₁ − xᵢ), around
    assert_eq!(ring_gradient(&x), [-1.0, -2.0, 11.0, -8.0]);
    let m = DMatrix::from_fn(3, 3, |i, j| (3 * i + j) as f64);
    // x₀₀ + x₁₁ + x₂₂ + x₀₀ (x₀₁ + x₀₂) + x₁₀ x₀₂
    let expected = [[4.0, 0.0, 3.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let expected = DMatrix::from_fn(3, 3, |i, j| expected[i][j]);
    assert_eq!(by_kinds_gradient(&m), expected);
    for n in [10, 20] {
        let x = vector(n);
        assert_eq!(cost(|| ring_gradient(x.as_slice())).count_total, 1);
        let m = matrix(n, n);
        assert_eq!(cost(|| by_kinds_gradient(&m)).count_total, 1);
    }
}
