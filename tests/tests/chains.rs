//! Chains of iterators: what they give, in which order, and how often what is in them happens.

#![allow(
    clippy::double_ended_iterator_last,
    clippy::iter_nth,
    clippy::iter_skip_next,
    clippy::needless_range_loop,
    reason = "that is what is tested"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;
use nalgebra::{DVector, Matrix2};

const POINTS: [&[f64]; 6] = [
    &[],
    &[0.7],
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.9],
    &[0.2, -1.4, 0.6, 1.1, -0.9, 0.5, 1.7],
];

const LONG: [&[f64]; 3] = [
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.9],
    &[0.2, -1.4, 0.6, 1.1, -0.9, 0.5, 1.7],
];

functions_of_lists! {
    counted_from_behind(x) at POINTS {
        x.iter().enumerate().rev().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    counted_after_turning(x) at POINTS {
        x.iter().rev().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    both_skip(x) at POINTS {
        x.iter().skip(1).zip(x.iter().skip(2)).map(|(a, b)| a * b * b).sum()
    }

    windows_from_behind(x) at POINTS {
        x.windows(2).rev().enumerate().map(|(i, w)| w[0] * w[1] * w[1] * i as f64).sum()
    }

    every_second_window(x) at POINTS {
        x.windows(3).step_by(2).map(|w| w[0] * w[1] * w[2]).sum()
    }

    windows_but_the_first(x) at POINTS {
        x.windows(2).skip(1).map(|w| w[0] * w[1] * w[1]).sum()
    }

    chunks_from_behind(x) at POINTS {
        x.chunks(2).rev().enumerate().map(|(i, c)| c.iter().sum::<f64>().powi(2) * (i + 1) as f64).sum()
    }

    items_of_chunks_from_behind(x) at POINTS {
        let mut total = 0.0;
        for (i, c) in x.chunks(2).rev().enumerate() {
            for v in c.iter() { total += v * v * (i + 1) as f64; }
        }
        total
    }

    items_of_later_chunks(x) at POINTS {
        let mut total = 0.0;
        for (i, c) in x.chunks(3).skip(1).enumerate() {
            for v in c { total += v.sin() * (i + 1) as f64; }
        }
        total
    }

    every_second_chunk(x) at POINTS {
        let mut total = 0.0;
        for (i, c) in x.chunks_exact(2).step_by(2).enumerate() {
            total += c[0] * c[1] * (i + 1) as f64;
        }
        total
    }

    with_a_shorter_list(x) at POINTS {
        x.iter().zip(x.iter().rev().take(2)).map(|(a, b)| a * a * b).sum()
    }

    with_a_shorter_list_from_behind(x) at POINTS {
        x.iter().zip(x.iter().rev().take(2)).rev().enumerate().map(|(i, (a, b))| a * a * b * (i + 1) as f64).sum()
    }

    the_first_from_behind(x) at POINTS {
        x.iter().take(3).rev().enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    the_later_from_behind(x) at POINTS {
        x.iter().skip(2).rev().enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    every_third_from_behind(x) at POINTS {
        x.iter().step_by(3).rev().enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    every_second_of_the_later(x) at POINTS {
        x.iter().skip(1).step_by(2).enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    the_later_of_every_second(x) at POINTS {
        x.iter().step_by(2).skip(1).enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    two_in_a_row(x) at POINTS {
        x.iter().chain(x.iter().rev()).skip(2).enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    two_in_a_row_from_behind(x) at POINTS {
        x.iter().chain(x.iter().skip(1)).rev().step_by(2).enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    in_a_row_with_a_circle(x) at POINTS {
        x.iter().chain(x.iter().take(2)).zip(x.iter().cycle().take(9)).map(|(a, b)| a * b * b).sum()
    }

    a_circle_without_its_beginning(x) at POINTS {
        x.iter().skip(1).cycle().take(5).skip(2).enumerate().map(|(i, a)| a * a * (i + 1) as f64).sum()
    }

    counted_before_some_are_left_out(x) at POINTS {
        let mut total = 0.0;
        for (i, v) in x.iter().enumerate().filter(|(i, v)| i % 2 == 1 || **v > 0.5) {
            total += v * v * (i + 1) as f64;
        }
        total
    }

    a_list_of_three(x) at POINTS {
        let mut all: Vec<f64> = x.iter().map(|v| v * v).collect();
        all.extend(x.iter().skip(1).map(|v| v.sin()));
        all.extend(x.iter().rev().take(2));
        all.iter().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    a_list_of_some(x) at POINTS {
        let mut all: Vec<f64> = Vec::new();
        all.extend(x.iter().filter(|v| **v > 0.0));
        all.extend(x.iter().take_while(|v| **v > 0.0).map(|v| v * 2.0));
        all.iter().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    for_each_the_later(x) at POINTS {
        x.iter().flat_map(|a| x.iter().skip(1).map(move |b| a * b * b)).sum()
    }

    for_each_those_before(x) at POINTS {
        x.iter().enumerate().flat_map(|(i, a)| x.iter().take(i).rev().map(move |b| a * b * b)).sum()
    }

    for_each_some_of_the_later(x) at POINTS {
        x.iter().enumerate().flat_map(|(i, a)| x[i..].iter().filter(|b| **b > 0.35).map(move |b| a * b * b)).sum()
    }

    skips_what_changes(x) at POINTS {
        let mut k = 1;
        let mut total = 0.0;
        for v in x.iter().skip(k) {
            k += 1;
            total += v * v * k as f64;
        }
        total
    }

    a_range_that_changes(x) at POINTS {
        let mut n = x.len();
        let mut total = 0.0;
        for i in (0..n).rev() {
            n -= 1;
            total += x[i] * x[i] * (n + 1) as f64;
        }
        total
    }

    chunks_of_what_changes(x) at POINTS {
        let mut k = 2;
        let mut total = 0.0;
        for (i, w) in x.chunks(k).enumerate() {
            k += 1;
            for v in w { total += v * v * (k + i) as f64; }
        }
        total
    }

    a_range_beside_a_list_that_changes(x) at POINTS {
        let mut k = 1;
        let mut total = 0.0;
        for (i, v) in (k..x.len()).zip(x) {
            k += 2;
            total += v * v * (k + i) as f64 * x[i];
        }
        total
    }

    steps_by_what_changes(x) at POINTS {
        let mut s = 1;
        let mut total = 0.0;
        for v in x.iter().step_by(s) {
            s += 1;
            total += v * v * s as f64;
        }
        total
    }

    takes_what_changes(x) at POINTS {
        let mut n = 3;
        let mut total = 0.0;
        for v in x.iter().take(n).rev() {
            n -= 1;
            total += v * v * n as f64;
        }
        total
    }

    around_as_often_as_what_changes(x) at POINTS {
        let mut n = 3;
        let mut total = 0.0;
        for v in x.iter().cycle().take(n) {
            n += 1;
            total += v * v * n as f64;
        }
        total
    }

    windows_of_what_changes(x) at POINTS {
        let mut n = 2;
        let mut total = 0.0;
        for w in x.windows(n) {
            n += 1;
            total += w[0] * w[1] * n as f64;
        }
        total
    }

    pushes_and_skips_what_changes(x) at POINTS {
        let mut all: Vec<f64> = Vec::new();
        let mut k = 1;
        for v in x.iter().skip(k) {
            k += 1;
            all.push(v * k as f64);
        }
        all.iter().map(|v| v * v).sum()
    }

    takes_what_changes_of_two(x) at POINTS {
        let mut n = x.len();
        let mut total = 0.0;
        for v in x.iter().chain(x.iter().rev()).take(n) {
            n -= 1;
            total += v * v * (n as f64 + 0.5);
        }
        total
    }

    counts_itself(x) at POINTS {
        let mut j = 0;
        x.iter().map(|v| { j += 1; v * v * j as f64 }).sum()
    }

    counts_what_is_skipped(x) at POINTS {
        let mut j = 0;
        x.iter().map(|v| { j += 1; v * v * j as f64 }).skip(2).sum()
    }

    counts_from_behind(x) at POINTS {
        let mut j = 0;
        x.iter().map(|v| { j += 1; v * v * j as f64 }).rev().sum()
    }

    counts_what_is_left_out(x) at POINTS {
        let mut j = 0;
        x.iter().map(|v| { j += 1; v * v * j as f64 }).filter(|v| *v > 0.4).sum()
    }

    a_bound_that_changes_later(x) at POINTS {
        let mut n = 2;
        let mut total = 0.0;
        for v in x.iter().filter(|v| **v > n as f64 / 8.0) {
            total += v * v;
        }
        n += 1;
        total * n as f64
    }

    counts_every_second(x) at POINTS {
        let mut j = 0;
        x.iter().map(|v| { j += 1; v * v * j as f64 }).step_by(2).sum()
    }

    counts_in_a_loop(x) at POINTS {
        let (mut j, mut total) = (0, 0.0);
        for v in x.iter().map(|v| { j += 1; v * v * j as f64 }).skip(1) {
            if total > 3.0 {
                break;
            }
            total += v;
        }
        total + j as f64 * x.iter().sum::<f64>()
    }

    pushes_over_a_range_that_changes(x) at POINTS {
        let mut n = 1;
        let mut all: Vec<f64> = Vec::new();
        for i in (n..x.len()).step_by(n) {
            n += 1;
            all.push(x[i] * n as f64);
        }
        all.iter().map(|v| v * v).sum()
    }

    a_range_that_its_closure_changes(x) at POINTS {
        let mut n = 1;
        (n..x.len()).map(|i| { n += 1; x[i] * x[i] * n as f64 }).sum()
    }

    goes_on_with_what_it_counts(x) at POINTS {
        let mut all = x.to_vec();
        for (i, v) in (0..all.len()).zip(x) {
            all.push(v * i as f64);
        }
        all.iter().map(|v| v * v).sum()
    }

    a_copy_that_changes(x) at LONG {
        let mut y = [x[0], x[1], x[2]];
        let mut total = 0.0;
        for v in y {
            y[2] += v;
            total += v * y[2];
        }
        total
    }

    a_clone_that_changes(x) at LONG {
        let (mut y, mut total) = (x.to_vec(), 0.0);
        for (i, v) in y.clone().iter().enumerate().take(2) {
            y[i + 1] += v;
            total += v * y[2];
        }
        total
    }

    windows_of_a_clone_that_changes(x) at LONG {
        let (mut y, mut total) = (x.to_vec(), 0.0);
        for (i, w) in y.clone().windows(2).enumerate() {
            y[i] = w[1] * w[0];
            total += y[i] * y[i + 1];
        }
        total
    }

    a_product_that_changes(x) at LONG {
        let (mut y, mut total) = (DVector::from_column_slice(x), 0.0);
        for v in (&y * 2.0).iter() {
            y[2] += v;
            total += v * y[1] * y[2];
        }
        total
    }

    columns_of_a_clone_that_changes(x) at LONG {
        let (mut y, mut total) = (Matrix2::new(x[0], x[1], x[2], x[0]), 0.0);
        for c in y.clone_owned().column_iter() {
            y *= 2.0;
            total += c.sum() * y[(0, 0)];
        }
        total
    }

    a_part_that_changes(x) at LONG {
        let (mut k, mut total) = (1, 0.0);
        for v in x[k..].iter() {
            k += 1;
            total += v * v * k as f64;
        }
        k = 1;
        for (v, w) in x.iter().zip(&x[k..]) {
            k += 1;
            total += v * w * w * k as f64;
        }
        total
    }

    a_reference_that_changes(x) at LONG {
        let (later, mut total) = (&x[1..], 0.0);
        let mut r = x;
        for v in r.iter() {
            r = later;
            total += v * v * r[0];
        }
        total
    }
}

/// What happens in the chains, and when.
mod effects {
    use nalgrad::{gradient, hvp, jvp, vjp};
    use std::cell::RefCell;

    #[derive(Default)]
    struct Log(RefCell<Vec<usize>>);

    impl Log {
        fn note(&self, what: usize) {
            self.0.borrow_mut().push(what);
        }

        /// What is asked for is asked for once.
        fn asked(&self, what: usize) -> usize {
            self.note(100 + what);
            what
        }

        fn count(&self) -> usize {
            self.0.borrow().len()
        }

        fn list(&self) -> Vec<f64> {
            self.note(200);
            vec![0.5, 2.0, -1.0]
        }
    }

    macro_rules! the_same_happens {
        ($($name:ident($x:ident, $log:ident) $body:block)*) => {$(
            #[test]
            fn $name() {
                #[gradient(wrt(x))]
                #[jvp]
                #[vjp]
                #[hvp]
                fn f($x: &[f64], $log: &Log) -> f64 $body

                for n in 0..7 {
                    let x: Vec<f64> = (0..n).map(|i| 1.3 - 0.4 * i as f64).collect();
                    let log = Log::default();
                    let value = f(&x, &log);
                    let all = log.0.take();
                    let gradient = f_gradient(&x, &log);
                    assert_eq!(log.0.take(), all, "gradient of {n}");
                    let (same, again) = f_value_and_gradient(&x, &log);
                    assert_eq!(log.0.take(), all, "value and gradient of {n}");
                    assert_eq!(same.to_bits(), value.to_bits());
                    assert_eq!(again, gradient);
                    let dx = vec![0.5; n];
                    assert_eq!(f_jvp(&x, &log, &dx).0.to_bits(), value.to_bits());
                    assert_eq!(log.0.take(), all, "jvp of {n}");
                    let (same, pullback) = f_vjp(&x, &log);
                    assert_eq!(same.to_bits(), value.to_bits());
                    assert_eq!(pullback(1.0).len(), n);
                    assert_eq!(log.0.take(), all, "vjp of {n}");
                    f_hvp(&x, &log, &dx);
                    assert_eq!(log.0.take(), all, "hvp of {n}");
                }
            }
        )*};
    }

    the_same_happens! {
        skip(x, log) {
            x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).skip(2).sum()
        }

        skip_in_a_loop(x, log) {
            let mut total = 0.0;
            for v in x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).skip(2) {
                log.note(10);
                total += v;
            }
            total
        }

        skip_and_pick(x, log) {
            let first = x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).skip(1).next();
            let last = x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).skip(1).last();
            first.unwrap_or(0.5) * last.unwrap_or(2.0)
        }

        skip_and_collect(x, log) {
            let all: Vec<f64> = x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).skip(2).collect();
            all.iter().map(|v| v * v).sum()
        }

        step_by(x, log) {
            x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).step_by(3).sum()
        }

        take(x, log) {
            x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).take(3).sum()
        }

        rev(x, log) {
            x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).rev().take(3).sum()
        }

        skip_before(x, log) {
            x.iter().enumerate().skip(1).rev().step_by(2).map(|(i, v)| { log.note(i); v * v }).sum()
        }

        zip_of_as_many(x, log) {
            x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).zip(x.iter()).map(|(a, b)| a * b).sum()
        }

        zip_of_fewer(x, log) {
            x.iter()
                .zip(x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).take(2))
                .map(|(a, b)| { log.note(7); a * b })
                .sum()
        }

        zip_with_more(x, log) {
            x.iter()
                .take(2)
                .zip(x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }))
                .map(|(a, b)| a * b)
                .sum()
        }

        take_while(x, log) {
            x.iter()
                .enumerate()
                .map(|(i, v)| { log.note(i); v * v })
                .take_while(|v| { log.note(10); *v > 0.3 })
                .map(|v| { log.note(20); v * 2.0 })
                .sum()
        }

        filter(x, log) {
            let mut total = 0.0;
            for v in x
                .iter()
                .enumerate()
                .filter(|(_, v)| { log.note(9); **v < 0.8 })
                .map(|(i, v)| { log.note(10 + i); v * v })
            {
                log.note(20);
                total += v;
            }
            total
        }

        chain(x, log) {
            x.iter()
                .enumerate()
                .map(|(i, v)| { log.note(i); v * v })
                .chain(x.iter().enumerate().map(|(i, v)| { log.note(10 + i); v * 3.0 }))
                .rev()
                .take(8)
                .sum()
        }

        cycle(x, log) {
            x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).cycle().take(5).sum()
        }

        flat_map(x, log) {
            x.iter()
                .enumerate()
                .flat_map(|(i, a)| { log.note(i); x.iter().take(2).map(move |b| { log.note(10); a * b }) })
                .sum()
        }

        find(x, log) {
            let found = x.iter().enumerate().map(|(i, v)| { log.note(i); v * v }).find(|v| *v < 0.5);
            found.unwrap_or(1.0)
        }

        any_and_position(x, log) {
            let any = x.iter().any(|v| *v < 0.5);
            log.note(any as usize);
            let place = x.iter().position(|v| *v < 0.5).unwrap_or(0);
            log.note(place);
            x.iter().skip(place).map(|v| v * v).sum()
        }

        numbers_that_are_asked_for(x, log) {
            let a: f64 = x.iter().skip(log.asked(1)).map(|v| v * v).sum();
            let b: f64 = x.iter().rev().step_by(log.asked(2)).map(|v| v * v).product();
            let c = x.iter().nth(log.asked(3)).unwrap_or(&0.5);
            let d: Vec<f64> = x.iter().take(log.asked(4)).map(|v| v.sin()).collect();
            a * b + c * c + d.iter().sum::<f64>()
        }

        windows_of_what_is_asked_for(x, log) {
            let e = x.windows(log.asked(2)).map(|w| w[0] * w[1]).last();
            e.unwrap_or(1.0)
        }

        a_range_that_is_asked_for(x, log) {
            let mut total = 1.0;
            for (v, i) in x.iter().zip(0..log.asked(3)) {
                total += v * v * i as f64;
            }
            total
        }

        chunks_of_what_is_asked_for(x, log) {
            let mut total = 1.0;
            for (i, c) in x.chunks(log.asked(2)).enumerate() {
                for v in c {
                    total += v * v * i as f64;
                }
            }
            total
        }

        lists_that_are_asked_for(x, log) {
            let a: f64 = x.iter().zip(log.list().iter()).map(|(v, w)| v * v * w).sum();
            let mut total = a;
            for (v, w) in x.iter().zip(log.list().iter().rev()) {
                total += v * w;
            }
            total
        }

        what_changes_while_it_is_asked(x, log) {
            x.iter()
                .skip(log.count())
                .map(|v| { log.note(1); v * v })
                .sum()
        }
    }
}
