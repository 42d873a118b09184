//! Structs that a function builds, and changes.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DVector, Vector2, vector};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};

#[derive(Clone, Copy)]
struct Pose {
    at: Vector2<f64>,
    angle: f64,
}

#[derive(Clone, Copy)]
struct State {
    pose: Pose,
    speed: Vector2<f64>,
    steps: usize,
}

/// A vehicle that turns while it brakes.
#[gradient]
#[hvp]
#[hessian]
#[jvp]
#[vjp]
fn driven(start: &Vector2<f64>, turn: f64, drag: f64) -> f64 {
    let mut state = State {
        pose: Pose {
            at: *start,
            angle: 0.1,
        },
        speed: Vector2::new(1.0, turn),
        steps: 0,
    };
    for k in 0..3 {
        let (sin, cos) = state.pose.angle.sin_cos();
        state.pose.at += Vector2::new(cos, sin) * state.speed.x * 0.1;
        state.pose.angle += turn * 0.1;
        state.speed[1] *= drag;
        state.speed -= state.pose.at * drag;
        state.steps += 1;
        if state.pose.at.x > 0.5 {
            state.pose.angle = -state.pose.angle;
        }
        if k == 1 {
            state.speed.x = state.pose.angle;
        }
    }
    state.pose.at.norm_squared() * state.steps as f64 + state.speed.y
}

/// The state as a whole is replaced in each step.
#[gradient]
#[hvp]
#[hessian]
#[jvp]
#[vjp]
fn replaced(start: &Vector2<f64>, turn: f64, drag: f64) -> f64 {
    let mut pose = Pose {
        at: Vector2::zeros(),
        angle: 0.0,
    };
    let first = Pose { at: *start, ..pose };
    pose = first;
    let mut count = 0;
    while count < 3 {
        let before = pose;
        pose = Pose {
            angle: before.angle + turn * before.at.x,
            ..pose
        };
        if pose.angle > 0.2 {
            pose = Pose {
                at: before.at * drag,
                angle: before.angle * drag,
            };
        } else {
            pose.at.y += before.angle.sin() + turn;
        }
        count += 1;
    }
    let Pose { at, angle } = pose;
    at.norm_squared() + angle * drag
}

struct Sums {
    total: f64,
    weighted: DVector<f64>,
}

/// What begins with zeros.
#[gradient]
#[hvp]
#[hessian]
#[jvp]
#[vjp]
fn summed(start: &Vector2<f64>, turn: f64, drag: f64) -> f64 {
    let mut sums = Sums {
        total: 0.0,
        weighted: DVector::zeros(3),
    };
    for i in 0..3 {
        sums.total += (start[0] * i as f64 + turn).sin();
        sums.weighted[i] = sums.total * start[1];
        sums.weighted.scale_mut(drag);
    }
    let Sums { total, weighted } = sums;
    total * weighted.norm_squared()
}

#[test]
fn states_that_change() {
    type Value = fn(&Vector2<f64>, f64, f64) -> f64;
    type Parts = (Vector2<f64>, f64, f64);
    type Gradient = fn(&Vector2<f64>, f64, f64) -> (f64, Parts);
    type Product = fn(&Vector2<f64>, f64, f64, &Vector2<f64>, f64, f64) -> (Parts, Parts);
    type Tangent = fn(&Vector2<f64>, f64, f64, &Vector2<f64>, f64, f64) -> (f64, f64);
    let all: [(Value, Gradient, Product, Tangent); 3] = [
        (driven, driven_value_and_gradient, driven_hvp, driven_jvp),
        (
            replaced,
            replaced_value_and_gradient,
            replaced_hvp,
            replaced_jvp,
        ),
        (summed, summed_value_and_gradient, summed_hvp, summed_jvp),
    ];
    for turn in [0.4, -0.9] {
        let (start, drag) = (Vector2::new(0.35, -0.2), 0.7);
        let (dx, dt, dd) = (Vector2::new(0.3, -0.8), 0.6, -0.4);
        let at = |t: f64| (start + dx * t, turn + dt * t, drag + dd * t);
        let along = |(x, t, d): Parts| x.dot(&dx) + t * dt + d * dd;
        for (f, gradient, product, tangent) in all {
            let (value, found) = gradient(&start, turn, drag);
            assert_eq!(value, f(&start, turn, drag));
            let expected = slope(|t| f(&at(t).0, at(t).1, at(t).2));
            assert_close(along(found), expected);
            assert_close(tangent(&start, turn, drag, &dx, dt, dd).1, expected);
            let gradient = |t: f64| along(gradient(&at(t).0, at(t).1, at(t).2).1);
            let (_, product) = product(&start, turn, drag, &dx, dt, dd);
            assert_close(along(product), slope(gradient));
        }
    }
    let start = Vector2::new(0.3, 0.2);
    let (_, pull) = driven_vjp(&start, 0.4, 0.7);
    let (_, gradient) = driven_value_and_gradient(&Vector2::new(0.3, 0.2), 0.4, 0.7);
    assert_eq!(pull(1.0).1, gradient.1);
    let whole = summed_hessian(&vector![0.35, -0.2], 0.4, 0.7);
    let column = |d: Vector2<f64>| summed_hvp(&vector![0.35, -0.2], 0.4, 0.7, &d, 0.0, 0.0).1;
    assert_close(whole.0.0[(1, 0)], column(vector![1.0, 0.0]).0[1]);
}

/// The Jacobian of the last state by the first.
#[jacobian]
fn last(x: &DVector<f64>) -> DVector<f64> {
    let mut sums = Sums {
        total: x[0],
        weighted: x.clone(),
    };
    for i in 0..x.len() {
        sums.total *= sums.weighted[i];
        sums.weighted *= sums.total;
    }
    sums.weighted
}

#[test]
fn jacobians_of_states() {
    let x = vector(&[0.6, -0.7, 1.1]);
    let jacobian = last_jacobian(&x);
    for j in 0..3 {
        let along = |t: f64| {
            let mut moved = x.clone();
            moved[j] += t;
            last(&moved)
        };
        for i in 0..3 {
            assert_close(jacobian[(i, j)], slope(|t| along(t)[i]));
        }
    }
}

#[derive(Clone)]
struct Buffers {
    scale: f64,
    list: Vec<f64>,
    matrix: nalgebra::Matrix2<f64>,
}

/// Fields that are lists and matrices, copies, and what only looks at them.
#[gradient]
#[hvp]
fn buffered(x: f64, y: f64) -> f64 {
    let mut buffers = Buffers {
        scale: x,
        list: vec![0.0; 3],
        matrix: nalgebra::Matrix2::identity(),
    };
    for i in 0..3 {
        buffers.list[i] = buffers.scale * (i as f64 + y);
        buffers.matrix[(0, 1)] += buffers.list[i];
        buffers
            .matrix
            .column_mut(0)
            .copy_from(&Vector2::new(buffers.scale, y));
        buffers.scale *= 2.0;
    }
    assert!(buffers.scale.is_finite(), "{} is no scale", buffers.scale);
    let last = buffers.clone();
    let mut other = last.clone();
    other.scale += y;
    let scaled = |t: f64| t * other.scale;
    scaled(buffers.scale)
        + buffers.list.iter().sum::<f64>() * last.list[2]
        + other.matrix.norm_squared()
}

#[test]
fn fields_that_are_lists() {
    let (x, y) = (0.7, -0.4);
    let (value, (by_x, by_y)) = buffered_value_and_gradient(x, y);
    assert_eq!(value, buffered(x, y));
    assert_close(by_x, slope(|t| buffered(x + t, y)));
    assert_close(by_y, slope(|t| buffered(x, y + t)));
    let (_, product) = buffered_hvp(x, y, 1.0, 0.5);
    let gradient = |t: f64| buffered_gradient(x + t, y + 0.5 * t);
    assert_close(product.0, slope(|t| gradient(t).0));
    assert_close(product.1, slope(|t| gradient(t).1));
}

/// Inert code has variables of the same name.
#[gradient(wrt(x))]
fn shadowed(x: f64, others: &[Pose]) -> f64 {
    let mut pose = Pose {
        at: Vector2::new(x, 1.0),
        angle: 0.25,
    };
    pose.angle += x;
    let most = others.iter().map(|pose| pose.angle).fold(0.0, f64::max);
    let first = match others.first() {
        Some(pose) => pose.at.x,
        None => 1.0,
    };
    pose.at.x * most + pose.angle * first
}

#[test]
fn names_of_inert_code() {
    let other = Pose {
        at: Vector2::new(3.0, 0.0),
        angle: 0.5,
    };
    let (value, gradient) = shadowed_value_and_gradient(2.0, &[other]);
    assert_eq!(value, shadowed(2.0, &[other]));
    assert_eq!((value, gradient), (7.75, 3.5));
}

/// A copy keeps what the struct was, also what is no real number.
#[gradient]
fn copied(x: f64) -> f64 {
    let mut state = State {
        pose: Pose {
            at: Vector2::new(x, 1.0),
            angle: x,
        },
        speed: Vector2::new(1.0, x),
        steps: 1,
    };
    let before = state;
    state.steps += 4;
    state.pose.angle *= 3.0;
    let between = State { steps: 7, ..state };
    state.steps += 1;
    before.steps as f64 * x
        + before.pose.angle
        + between.steps as f64 * between.pose.angle
        + state.steps as f64 * x
}

#[test]
fn copies_stay_as_they_are() {
    // x + x + 7 · 3 x + 6 x
    let (value, gradient) = copied_value_and_gradient(2.0);
    assert_eq!(value, copied(2.0));
    assert_eq!((value, gradient), (58.0, 29.0));
}

/// What is no real number in it is replaced as well, all at once.
#[gradient]
fn replaced_with_its_counters(x: f64) -> f64 {
    let mut pair = Pair {
        t: x,
        k: 1,
        l: 2,
        odd: true,
    };
    for i in 0..3 {
        let old = pair;
        pair = Pair {
            t: old.t * x + old.k as f64,
            k: pair.l,
            l: pair.k + i,
            odd: !old.odd,
        };
        pair.k += old.l;
        if pair.odd {
            pair = Pair { l: 1, ..pair };
        }
    }
    pair.t * (pair.k * 100 + pair.l) as f64
}

#[derive(Clone, Copy)]
struct Pair {
    t: f64,
    k: usize,
    l: usize,
    odd: bool,
}

#[test]
fn counters_are_replaced_at_once() {
    let (value, gradient) = replaced_with_its_counters_value_and_gradient(0.7);
    assert_eq!(value, replaced_with_its_counters(0.7));
    assert_close(
        gradient,
        slope(|t| replaced_with_its_counters(0.7 + t / 50.0)) * 50.0,
    );
}
