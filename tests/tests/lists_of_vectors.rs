//! Lists of vectors and matrices that are collected, that grow, and that iterators go through.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;
#[path = "common/three.rs"]
mod three;

use common::{assert_close, slope};
use nalgebra::{DVector, Matrix3, Point3, Vector3};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};
use three::{Companions, check};

fn points(n: usize) -> Vec<Vector3<f64>> {
    let wave = |k: usize| (1.3 * k as f64 + 0.4).sin();
    (0..n)
        .map(|i| Vector3::new(wave(3 * i), wave(3 * i + 1), wave(3 * i + 2)))
        .collect()
}

/// A function of three numbers and a list without derivative, which is empty, of one element and of more.
macro_rules! with_a_list {
    ($($name:ident($x:ident, $list:ident: $type:ty = $of:expr) { $($body:tt)* })*) => {$(
        #[test]
        #[allow(clippy::all, clippy::pedantic, reason = "written as people write")]
        fn $name() {
            #[gradient(wrt($x))]
            #[jacobian(wrt($x))]
            #[hessian(wrt($x))]
            #[jvp(wrt($x))]
            #[vjp(wrt($x))]
            #[hvp(wrt($x))]
            fn f($x: &Vector3<f64>, $list: $type) -> f64 { $($body)* }
            for n in [0, 1, 2, 5] {
                let list = ($of)(n);
                check(&Companions {
                    f: &|x| f(x, &list),
                    value_and_gradient: &|x| f_value_and_gradient(x, &list),
                    jacobian: &|x| f_jacobian(x, &list),
                    hessian: &|x| f_hessian(x, &list),
                    jvp: &|x, dx| f_jvp(x, &list, dx),
                    pulled_back: &|x, y_bar| f_vjp(x, &list).1(y_bar),
                    hvp: &|x, dx| f_hvp(x, &list, dx),
                });
            }
        }
    )*};
}

with_a_list! {
    collected(x, list: &[Vector3<f64>] = points) {
        let moved: Vec<Vector3<f64>> = list.iter().map(|p| p + x).collect();
        let mut total = x[0] * x[1];
        for m in &moved {
            total += m.norm() * x[2];
        }
        total
    }

    collected_by_turbofish(x, list: &[Vector3<f64>] = points) {
        let moved = list.iter().map(|p| p.component_mul(x)).collect::<Vec<_>>();
        x[0] * x[2] + moved.iter().map(|m| m.norm_squared() * m.x).sum::<f64>() + moved.len() as f64 * x[1]
    }

    collected_of_a_range(x, list: &[Vector3<f64>] = points) {
        let moved: Vec<_> = (0..list.len()).map(|i| x * (i as f64 + 0.5) + list[i]).collect();
        let mut total = x.norm();
        for i in 1..moved.len() {
            total += moved[i].dot(&moved[i - 1]);
        }
        total
    }

    collected_of_a_zip(x, list: &[Vector3<f64>] = points) {
        let first: Vec<_> = list.iter().map(|p| p.cross(x)).collect();
        let second: Vec<Vector3<f64>> = list
            .iter()
            .zip(first.iter())
            .enumerate()
            .map(|(i, (p, q))| p + q * i as f64)
            .collect();
        first.iter().zip(&second).map(|(a, b)| a.dot(b)).sum::<f64>() + x[1].exp()
    }

    collected_with_a_branch(x, list: &[Vector3<f64>] = points) {
        let moved: Vec<Vector3<f64>> = list
            .iter()
            .map(|p| {
                let d = p - x;
                if d.x > 0.0 { d * d.x } else { d.cross(p) }
            })
            .collect();
        moved.iter().map(|m| m.norm_squared()).sum::<f64>() + x.norm()
    }

    filtered(x, list: &[Vector3<f64>] = points) {
        let near: Vec<Vector3<f64>> = list
            .iter()
            .map(|p| p - x)
            .filter(|d| d.x > 0.0)
            .collect();
        near.iter().map(|d| d.norm()).sum::<f64>() + x.norm() * near.len() as f64
    }

    of_matrices(x, list: &[Vector3<f64>] = points) {
        let turns: Vec<Matrix3<f64>> = list.iter().map(|p| p * x.transpose()).collect();
        let mut total = x[0];
        for turn in turns.iter() {
            total += (turn * x).norm() + turn[(0, 1)];
        }
        let mut at = *x;
        for k in 0..turns.len() {
            at = &turns[k] * at * 0.5 + x;
        }
        total + at.norm_squared() + turns.len() as f64
    }

    of_dynamic_vectors(x, list: &[Vector3<f64>] = points) {
        let y = DVector::from_row_slice(x.as_slice());
        let moved: Vec<DVector<f64>> = list.iter().map(|p| &y * p.x).collect();
        moved.iter().map(|m| m.norm_squared()).sum::<f64>() + y.norm()
    }

    firsts_and_lasts(x, list: &[Vector3<f64>] = points) {
        let mut moved: Vec<Vector3<f64>> = list.iter().map(|p| p + x).collect();
        moved.push(x.component_mul(x));
        let ends = moved.first().unwrap().dot(moved.last().unwrap());
        (ends + moved.last().expect("there is one").x) * x[1]
    }

    windows(x, list: &[Vector3<f64>] = points) {
        let moved: Vec<Vector3<f64>> = list.iter().map(|p| p.component_mul(x)).collect();
        let length: f64 = moved.windows(2).map(|w| (w[1] - w[0]).norm()).sum();
        let mut turned = x[2];
        for w in moved.windows(3) {
            turned += (w[2] - w[1]).dot(&(w[1] - w[0]));
        }
        length * turned + x.norm()
    }

    sums(x, list: &[Vector3<f64>] = points) {
        let moved: Vec<Vector3<f64>> = list.iter().map(|p| p.component_mul(x)).collect();
        let total: Vector3<f64> = moved.iter().sum();
        let again = moved.iter().map(|m| m * m.x).sum::<Vector3<f64>>();
        let folded = moved.iter().fold(Vector3::zeros(), |a, m| a + m * 0.5);
        total.dot(&again) + folded.norm_squared() + x.norm()
    }

    ranges(x, list: &[Vector3<f64>] = points) {
        let moved: Vec<Vector3<f64>> = list.iter().map(|p| p.component_mul(x)).collect();
        let k = list.len() / 2;
        let (front, back) = (&moved[..k], &moved[k..]);
        let mut total = x[0] * x[1] + front.len() as f64 * x[2];
        for m in front {
            total += m.norm_squared();
        }
        for i in 0..back.len() {
            total += back[i].x * x[2];
        }
        total
    }

    pushed(x, list: &[Vector3<f64>] = points) {
        let mut moved = Vec::new();
        for p in list {
            moved.push(p.cross(x));
        }
        let mut total = x.norm();
        for m in &moved {
            total += m.norm_squared();
        }
        total * moved.len() as f64 + x[0]
    }

    pushed_with_a_state(x, list: &[Vector3<f64>] = points) {
        let mut path: Vec<Vector3<f64>> = Vec::with_capacity(list.len());
        let mut at = Vector3::zeros();
        for p in list.iter() {
            at += x * 0.1 + p.cross(&at);
            path.push(at);
        }
        path.iter().map(|p| p.norm_squared()).sum::<f64>() + x[0]
    }

    pushed_to_a_first(x, list: &[Vector3<f64>] = points) {
        let mut path = vec![*x];
        for i in 0..list.len() {
            let next = path[i] + path[i].cross(&list[i]) * 0.3;
            path.push(next);
        }
        path[path.len() - 1].norm_squared() + path.iter().map(|p| p.x).sum::<f64>()
    }

    pushed_after_the_last(x, list: &[Vector3<f64>] = points) {
        let mut path = vec![x * 2.0];
        for p in list {
            let last = path.last().unwrap();
            path.push(last.component_mul(x) * 0.3 + p);
        }
        path.last().unwrap().norm_squared()
    }

    pushed_after_the_last_index(x, list: &[Vector3<f64>] = points) {
        let mut path = vec![*x, x * 0.5];
        for p in list {
            let (last, before) = (path[path.len() - 1], path[path.len() - 2]);
            path.push(last * 0.7 + before.cross(p));
        }
        let total: Vector3<f64> = path.iter().sum();
        total.norm_squared()
    }

    pushed_from_one(x, list: &[Vector3<f64>] = points) {
        let n = list.len() + 1;
        let mut path = vec![*x];
        for i in 1..n {
            path.push(path[i - 1].component_mul(x) * 0.3 + list[i - 1]);
        }
        path[n - 1].norm_squared() + path[0].x
    }

    pushed_in_two_loops(x, list: &[Vector3<f64>] = points) {
        let mut all = Vec::new();
        for p in list {
            all.push(p + x);
        }
        all.push(x * 3.0);
        for (i, p) in list.iter().enumerate() {
            let before = all[i];
            all.push(before.cross(p));
            all.push(x * p.x);
        }
        all.push(x.cross(&all[0]));
        let total = all.iter().map(|a| a.norm_squared()).sum::<f64>();
        total + all[all.len() - 1].x * all.len() as f64
    }

    pushed_on_a_condition(x, list: &[Vector3<f64>] = points) {
        let mut near = Vec::new();
        for p in list {
            let d = p - x;
            if d.x > 0.0 {
                near.push(d);
            }
        }
        let mut total = x[1];
        for d in &near {
            total += d.norm_squared();
        }
        total + near.len() as f64 * x[0]
    }

    pushed_in_nested_loops(x, list: &[Vector3<f64>] = points) {
        let mut pairs = Vec::new();
        for p in list {
            for k in 0..3 {
                pairs.push(p * x[k] + x);
            }
        }
        pairs.iter().enumerate().map(|(i, p)| p.norm_squared() * i as f64).sum::<f64>() + x[0]
    }

    pushed_matrices(x, list: &[Vector3<f64>] = points) {
        let mut products = vec![Matrix3::from_diagonal(x)];
        for p in list {
            let last = products[products.len() - 1];
            products.push(last * (p * x.transpose()) * 0.5);
        }
        products.iter().map(|m| m.norm_squared()).sum::<f64>() + products[0][(1, 1)]
    }

    pushed_rows(x, list: &[Vector3<f64>] = points) {
        let mut table = Vec::new();
        for p in list {
            let row: Vec<f64> = x.iter().map(|a| a * p.x).collect();
            table.push(row);
        }
        let mut total = x[0];
        for i in 0..table.len() {
            total += table[i][0] * table[i][2];
        }
        total
    }

    extended(x, list: &[Vector3<f64>] = points) {
        let mut all = vec![*x];
        all.extend(list.iter().map(|p| p.cross(x)));
        all.extend(list.iter().map(|p| p + x));
        all.iter().map(|a| a.norm_squared()).sum()
    }

    swapped_and_filled(x, list: &[Vector3<f64>] = points) {
        let mut all: Vec<Vector3<f64>> = list.iter().map(|p| p.component_mul(x)).collect();
        for i in 1..all.len() {
            all.swap(i - 1, i);
            all[i] += x * 0.5;
        }
        let mut others = vec![Vector3::zeros(); list.len() + 2];
        others.fill(x * 2.0);
        others[1] = others[0].cross(x);
        others.swap(0, 1);
        let total: f64 = all.iter().zip(others.iter()).map(|(a, b)| a.dot(b)).sum();
        total + others[0].norm() + others[1].norm_squared()
    }

    repeated_matrices(x, list: &[Vector3<f64>] = points) {
        let mut turns = vec![Matrix3::<f64>::identity(); list.len() + 1];
        let mut scaled = vec![Matrix3::from_diagonal(x); list.len()];
        for i in 0..list.len() {
            turns[i + 1] = turns[i] * scaled[i] * 0.5;
            scaled[i][(0, 1)] += list[i].x;
        }
        scaled.fill(Matrix3::from_diagonal(x) * 2.0);
        let total = turns.iter().map(|m| m.norm_squared()).sum::<f64>();
        total + scaled.iter().map(|m| m.trace()).sum::<f64>()
    }

    points_of_an_inert_list(x, list: &[Point3<f64>] = |n| points(n).into_iter().map(Point3::from).collect::<Vec<_>>()) {
        let near = list.iter().map(|s| (s.coords - x).norm()).sum::<f64>();
        let far = list.iter().map(|s| (s - Point3::from(*x)).norm_squared()).sum::<f64>();
        near * x[0] + far
    }

    indices_in_an_inert_list(x, list: &[usize] = |n: usize| (0..n).map(|i| i % 3).collect::<Vec<_>>()) {
        let a: Vec<f64> = list.iter().map(|&i| x[i] * x[0]).collect();
        let b: Vec<Vector3<f64>> = list.iter().map(|i| x * x[*i]).collect();
        let c: f64 = list.iter().copied().map(|i| x[i]).product();
        a.iter().sum::<f64>() + b.iter().map(|v| v.norm()).sum::<f64>() + c
    }

    tuples_in_an_inert_list(x, list: &[(usize, f64)] = |n: usize| (0..n).map(|i| (i % 3, 0.5 + i as f64)).collect::<Vec<_>>()) {
        let a: Vec<Vector3<f64>> = list.iter().map(|&(i, w)| x * (x[i] * w)).collect();
        let b: Vec<f64> = list.iter().map(|(i, w)| x[*i] * w).collect();
        let c: f64 = list.iter().filter(|(i, _)| *i > 0).map(|(i, w)| x[*i] * w).sum();
        a.iter().map(|v| v.norm_squared()).sum::<f64>() + b.iter().sum::<f64>() * c
    }

    dynamic_vectors_in_an_inert_list(x, list: &[DVector<f64>] = |n| points(n).iter().map(|p| DVector::from_row_slice(p.as_slice())).collect::<Vec<_>>()) {
        let y = DVector::from_row_slice(x.as_slice());
        let moved: Vec<DVector<f64>> = list.iter().map(|p| p + &y).collect();
        let mut at = y.clone();
        let mut path = Vec::new();
        for p in list {
            at = &at * 0.5 + p;
            path.push(&at + &y);
        }
        moved.iter().zip(path.iter()).map(|(a, b)| a.dot(b)).sum::<f64>() + y.norm()
    }

    looked_at(x, list: &[Vector3<f64>] = points) {
        let moved: Vec<Vector3<f64>> = list.iter().map(|p| p.component_mul(x)).collect();
        let lengths: Vec<f64> = moved.iter().map(|m| m.norm_squared()).collect();
        let far = moved.iter().any(|m| m.norm() > 1.0);
        let near = lengths.iter().all(|l| *l < 100.0) && moved.iter().zip(list).all(|(m, p)| m.x * p.x < 9.0);
        let k = x.iter().position(|a| *a > 0.8).unwrap_or(0);
        let many = lengths.iter().filter(|l| **l > 0.5).count();
        let weight = if far && near { x[0] } else { x[1] * x[1] };
        weight * x[k] + many as f64 * x[2]
    }

    extremes(x, list: &[Vector3<f64>] = points) {
        let lengths: Vec<f64> = list.iter().map(|p| p.component_mul(x).norm_squared()).collect();
        let least = lengths.iter().copied().fold(f64::INFINITY, f64::min);
        let most = x.iter().map(|a| a * a).fold(f64::NEG_INFINITY, f64::max);
        let bound = lengths.iter().fold(x[0], |a, b| a.max(*b));
        if lengths.is_empty() { most * bound } else { most * bound * least }
    }

    differentiated_lists(x, list: &[Vector3<f64>] = points) {
        let all = [x * 2.0, x.cross(&Vector3::new(1.0, 0.5, 0.2)), x.component_mul(x)];
        let mut moved = Vec::new();
        for a in &all {
            moved.push(a * x[0]);
        }
        for i in 0..list.len() {
            moved.push(moved[i] + list[i]);
        }
        moved.windows(2).map(|w| w[0].dot(&w[1])).sum()
    }


    a_dynamic_state(x, list: &[Vector3<f64>] = points) {
        let mut at = DVector::from_row_slice(x.as_slice());
        let mut path = vec![at.clone()];
        for p in list {
            at = &at * 0.5 + &path[0] * p.x;
            path.push(at.clone());
        }
        path.iter().map(|p| p.norm_squared()).sum::<f64>() + path[path.len() - 1][1]
    }

    in_a_loop(x, list: &[Vector3<f64>] = points) {
        let mut total = x[1];
        for k in 0..list.len() {
            let moved: Vec<Vector3<f64>> = list[..k].iter().map(|p| p.cross(x)).collect();
            let mut path = vec![*x];
            for m in &moved {
                path.push(m.cross(&path[0]) * 0.3);
            }
            for p in &path {
                total += p.norm_squared() * 0.2;
            }
        }
        total
    }

    shadowed(x, list: &[Vector3<f64>] = points) {
        let list: Vec<Vector3<f64>> = list.iter().map(|p| p.component_mul(x)).collect();
        let list: Vec<Vector3<f64>> = list.iter().rev().map(|p| p * p.x).collect();
        list.iter().skip(1).zip(list.iter()).map(|(a, b)| a.dot(b)).sum::<f64>() + x[0]
    }


    all_that_was_pushed_so_far(x, list: &[Vector3<f64>] = points) {
        let mut path = vec![x * 0.5];
        let mut numbers = Vec::new();
        for p in list {
            let mut mean = Vector3::zeros();
            for q in &path {
                mean += q * 0.2;
            }
            let spread: f64 = path.iter().map(|q| q.norm_squared()).sum();
            let before: f64 = numbers.iter().map(|n| n * x[1]).sum();
            numbers.push(spread * 0.1 + before * 0.1 + x[0]);
            if path.len() > 1 {
                mean -= path[path.len() - 2] * 0.3;
            }
            path.push(mean.cross(p) + x);
        }
        path[path.len() - 1].norm_squared() + numbers.iter().sum::<f64>()
    }

    inert_elements_beside(x, list: &[Vector3<f64>] = points) {
        let mut all = Vec::new();
        for (i, p) in list.iter().enumerate() {
            if i % 2 == 0 {
                all.push(*p);
            } else {
                all.push(p.component_mul(x));
            }
        }
        all.iter().map(|a| a.dot(x)).sum::<f64>() + x.norm_squared()
    }

}

#[gradient(wrt(x))]
#[jvp(wrt(x))]
fn one_that_may_be_missing(x: &Vector3<f64>, list: &[Vector3<f64>]) -> f64 {
    let moved: Vec<Vector3<f64>> = list.iter().map(|p| p.component_mul(x)).collect();
    let second = match moved.get(1) {
        Some(second) => second.norm(),
        None => x[2],
    };
    second * x[0]
}

#[test]
fn elements_that_may_be_missing() {
    let (x, dx) = (Vector3::new(0.7, -1.3, 2.1), Vector3::new(0.2, 0.5, -0.3));
    for n in [0, 1, 2, 4] {
        let list = points(n);
        let (value, x_bar) = one_that_may_be_missing_value_and_gradient(&x, &list);
        assert_eq!(value, one_that_may_be_missing(&x, &list));
        let along = slope(|t| one_that_may_be_missing(&(x + dx * t), &list));
        assert_close(x_bar.dot(&dx), along);
        assert_close(one_that_may_be_missing_jvp(&x, &list, &dx).1, along);
    }
}

#[gradient]
#[jvp]
#[hessian]
fn length(path: &[Vector3<f64>]) -> f64 {
    let closed = (path.first().unwrap() - path.last().unwrap()).norm_squared();
    closed + path.windows(2).map(|w| (w[1] - w[0]).norm()).sum::<f64>()
}

#[test]
fn ends_and_windows_of_a_parameter() {
    let (path, dx) = (points(4), points(5).split_off(1));
    let moved = |t: f64| -> Vec<_> { path.iter().zip(&dx).map(|(p, d)| p + d * t).collect() };
    let along = slope(|t| length(&moved(t)));
    let gradient: Vec<Vector3<f64>> = length_gradient(&path);
    let dot = |g: &[Vector3<f64>]| g.iter().zip(&dx).map(|(g, d)| g.dot(d)).sum::<f64>();
    assert_close(dot(&gradient), along);
    assert_close(length_jvp(&path, &dx).1, along);
    let hessian = length_hessian(&path);
    let flat = DVector::from_iterator(12, dx.iter().flatten().copied());
    let second = slope(|t| dot(&length_gradient(&moved(t))));
    assert_close(flat.dot(&(hessian * &flat)), second);
}

#[test]
#[should_panic(expected = "called `Option::unwrap()` on a `None` value")]
fn the_first_of_none() {
    length_gradient(&[]);
}

#[gradient(wrt(x))]
fn too_far(x: &Vector3<f64>, k: usize) -> f64 {
    let mut path = vec![*x];
    for i in 0..3 {
        path.push(path[i + k] * 2.0);
    }
    path[3].norm()
}

#[test]
#[should_panic(expected = "index out of bounds: the len is 1 but the index is 1")]
fn what_has_not_been_pushed_yet() {
    too_far_gradient(&Vector3::x(), 1);
}

#[jacobian]
#[jvp]
fn halved(x: &Vector3<f64>, n: usize) -> Vector3<f64> {
    let mut all = vec![*x];
    for _ in 0..n {
        all.push(all.last().unwrap() * 0.5);
    }
    all.iter().sum()
}

#[gradient]
fn of_any_number<T: nalgebra::RealField + Copy>(x: &Vector3<T>, n: usize) -> T {
    let mut all = Vec::new();
    for i in 0..n {
        all.push(x * T::from_usize(i + 1).unwrap());
    }
    let squares: Vec<T> = all.iter().map(|a| a.norm_squared()).collect();
    let mut total = T::zero();
    for s in &squares {
        total += *s;
    }
    total
}

#[test]
fn results_and_other_numbers() {
    let x = Vector3::new(0.4, -0.7, 1.2);
    let (value, by_x) = halved_value_and_jacobian(&x, 3);
    assert_eq!(value, halved(&x, 3));
    assert_eq!(by_x, Matrix3::identity() * 1.875);
    assert_eq!(halved_jvp(&x, 3, &Vector3::y()).1, Vector3::y() * 1.875);
    assert_close((of_any_number_gradient(&x, 2) - x * 10.0).norm(), 0.0);
    let x = Vector3::new(0.5_f32, -0.25, 1.0);
    assert_eq!(of_any_number_gradient(&x, 2), x * 10.0);
}

/// De Casteljau's algorithm, on copies of a list and on a list that is written out.
#[gradient(wrt(control))]
#[hvp]
#[jvp]
#[vjp]
fn curve(control: &[Vector3<f64>], fixed: &[Vector3<f64>; 4], t: f64) -> f64 {
    let mut points = control.to_vec();
    let n = points.len();
    for level in 1..n {
        for i in 0..n - level {
            points[i] = points[i] * (1.0 - t) + points[i + 1] * t;
        }
    }
    let mut three = [points[0], control[1] * 2.0, Vector3::new(1.0, t, 0.5)];
    for level in 1..3 {
        for i in 0..3 - level {
            three[i] = three[i] * (1.0 - t) + three[i + 1] * t;
        }
    }
    points[0].norm() + three[0].dot(&fixed[0])
}

#[jacobian]
fn point_of_curve(control: &[Vector3<f64>; 4], t: f64) -> Vector3<f64> {
    let mut points = *control;
    for level in 1..4 {
        for i in 0..4 - level {
            points[i] = points[i].lerp(&points[i + 1], t);
        }
    }
    points[0]
}

#[test]
fn lists_that_are_copied() {
    use nalgrad::check;
    let control = points(4);
    let fixed = [control[0], control[1], control[2], control[3]];
    let f = |c: &Vec<Vector3<f64>>| curve(c, &fixed, 0.3);
    let gradient = |c: &Vec<Vector3<f64>>| curve_gradient(c, &fixed, 0.3);
    check::gradient(f, &control, &gradient(&control)).unwrap();
    let jvp = |d: &Vec<Vector3<f64>>| curve_jvp(&control, &fixed, 0.3, d);
    check::jvp(f, &control, jvp).unwrap();
    check::vjp(f, &control, curve_vjp(&control, &fixed, 0.3)).unwrap();
    let hvp = |d: &Vec<Vector3<f64>>| (gradient(&control), curve_hvp(&control, &fixed, 0.3, d).1);
    check::jvp(gradient, &control, hvp).unwrap();
    let f = |c: &Vec<Vector3<f64>>| point_of_curve(&[c[0], c[1], c[2], c[3]], 0.3);
    let (value, (by_control, _)) = point_of_curve_value_and_jacobian(&fixed, 0.3);
    assert_eq!(value, f(&control));
    check::jacobian(f, &control, &by_control).unwrap();
}
