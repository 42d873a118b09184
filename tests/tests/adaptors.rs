//! Adaptors after those that leave some items out, and those that go along with a state.

#![allow(
    clippy::double_ended_iterator_last,
    clippy::manual_repeat_n,
    reason = "that is what is tested"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;

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
    numbered_after_a_filter(x) at POINTS {
        x.iter().filter(|v| **v > 0.0).enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    the_first_after_a_filter(x) at POINTS {
        x.iter().filter(|v| **v > 0.0).take(2).map(|v| v * v * v).sum()
    }

    the_later_after_a_filter(x) at POINTS {
        x.iter().filter(|v| **v > 0.0).skip(1).map(|v| v * v * v).sum()
    }

    every_second_after_a_filter(x) at POINTS {
        x.iter().filter(|v| **v > 0.0).step_by(2).map(|v| v * v * v).sum()
    }

    counted_and_last(x) at POINTS {
        let n = x.iter().filter(|v| **v > 0.0).count();
        let last = x.iter().filter(|v| **v > 0.0).last().copied().unwrap_or(0.5);
        last * last * (n + 1) as f64
    }

    beside_a_list_after_a_filter(x) at POINTS {
        x.iter().filter(|v| **v > 0.0).zip(x).map(|(a, b)| a * b * b).sum()
    }

    beside_what_leaves_some_out(x) at POINTS {
        let mut total = 0.0;
        for (i, (a, b)) in x.iter().zip(x.iter().filter(|v| **v < 0.75)).enumerate() {
            total += a * b * b * (i + 1) as f64;
        }
        total
    }

    a_filter_from_behind(x) at POINTS {
        x.iter().filter(|v| **v > 0.0).rev().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    after_what_is_there(x) at POINTS {
        let roots = x.iter().filter_map(|v| if *v > 0.0 { Some(v.sqrt()) } else { None });
        roots.enumerate().skip(1).map(|(i, r)| r * r * r * i as f64).sum()
    }

    while_and_numbered(x) at POINTS {
        x.iter().take_while(|v| **v > -0.5).enumerate().map(|(i, v)| v * v * i as f64).sum()
    }

    one_after_the_other(x) at POINTS {
        let all: Vec<f64> = x.iter().filter(|v| **v > 0.0).chain(x.iter().rev()).copied().collect();
        all.iter().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    skipped_as_long_as(x) at POINTS {
        x.iter().skip_while(|v| **v > 0.35).map(|v| v * v).sum()
    }

    skipped_and_numbered(x) at POINTS {
        let mut total = 0.0;
        for (i, v) in x.iter().skip_while(|v| **v < 1.0).enumerate() {
            total += v * v * v * (i + 1) as f64;
        }
        total
    }

    scanned(x) at POINTS {
        x.iter().scan(1.0, |product, v| { *product *= v; Some(*product) }).sum()
    }

    scanned_to_its_end(x) at POINTS {
        let sums: Vec<f64> = x
            .iter()
            .scan(0.0, |sum, v| {
                *sum += v * v;
                if *sum > 3.0 { None } else { Some(*sum + v) }
            })
            .collect();
        sums.iter().enumerate().map(|(i, s)| s * s * (i + 1) as f64).sum()
    }

    scanned_by_an_integer(x) at POINTS {
        x.iter().scan(2, |k, v| { *k += 3; Some(v * v * *k as f64) }).sum()
    }

    scanned_by_two(x) at POINTS {
        x.iter()
            .scan((0.5, 1.0), |(a, b), v| {
                let next = *a * v + *b;
                *a = *b;
                *b = next;
                Some(next)
            })
            .map(|v| v * v)
            .sum()
    }

    scanned_by_a_pair(x) at LONG {
        let mut total = 0.0;
        for s in x.iter().scan((0.5, x[0]), |state, v| { state.0 += v * state.1; state.1 = state.0; Some(state.0) }) {
            total += s * s;
        }
        total
    }

    looked_at_in_between(x) at POINTS {
        let mut n = 0;
        let sum: f64 = x.iter().map(|v| v * v).inspect(|_| n += 1).map(|v| v * v).sum();
        sum * n as f64
    }

    functions_by_name(x) at POINTS {
        let square = |v: &f64| v * v;
        let s: f64 = x.iter().map(square).sum();
        let t: f64 = x.iter().copied().map(f64::sin).sum();
        let positive = |v: &&f64| **v > 0.0;
        let u: f64 = x.iter().filter(positive).map(|v| v.ln()).sum();
        s * t + u
    }

    closures_that_are_left(x) at POINTS {
        let roots: f64 = x.iter().map(|v| { if *v < 0.0 { return v * v; } v.sqrt() }).sum();
        let mut total = roots;
        for v in x.iter().map(|v| { if *v > 1.0 { return 1.0; } v * v }) {
            total += v * roots;
        }
        total
    }

    numbers_without_end(x) at POINTS {
        let a: f64 = x.iter().zip(1..).map(|(v, i)| v * v * i as f64).sum();
        let mut total = a;
        for (i, v) in (2..).zip(x.iter()) {
            total += v * v * v * i as f64;
        }
        total
    }

    a_circle_beside_a_list(x) at LONG {
        let signs = [1.0, -1.0, 0.5];
        let a: f64 = x.iter().zip(signs.iter().cycle()).map(|(v, s)| v * v * s).sum();
        let b: f64 = (0..7).zip(x.iter().cycle()).map(|(i, v)| v * v * v * i as f64).sum();
        a * b
    }

    one_more(x) at POINTS {
        let all: Vec<f64> = std::iter::once(0.5).chain(x.iter().copied()).collect();
        let s: f64 = all.windows(2).map(|w| w[0] * w[1]).sum();
        let t: f64 = x.iter().copied().chain(std::iter::once(s * 2.0)).map(|v| v * v).sum();
        s + t
    }

    one_at_the_end(x) at LONG {
        let scaled = std::iter::repeat(x[0] * x[1]).take(4).zip(x).map(|(a, b)| a * b * b);
        scaled.sum()
    }

    one_from_the_other(x) at LONG {
        let halves: f64 = std::iter::successors(Some(x[0]), |v| Some(v * 0.5 + v * v * 0.1)).take(4).sum();
        let few: f64 = std::iter::successors(Some(x[1]), |v| if *v < 3.0 { Some(v * v + 1.1) } else { None })
            .map(|v| v * v)
            .sum();
        halves * few
    }

    of_lists(x) at POINTS {
        let rows = [x, x];
        let mut total = 0.0;
        for v in x.chunks(2).flat_map(|c| c.iter().rev()).enumerate().map(|(i, v)| v * v * (i + 1) as f64) {
            total += v;
        }
        total + rows.len() as f64
    }

    flat_and_numbered(x) at POINTS {
        x.iter()
            .flat_map(|a| x.iter().map(move |b| a * b * b))
            .filter(|v| *v > 0.0)
            .enumerate()
            .map(|(i, v)| v * v * (i + 1) as f64)
            .sum()
    }

    flat_and_the_first(x) at POINTS {
        x.iter()
            .enumerate()
            .flat_map(|(i, a)| { let k = i + 1; (0..k).map(move |j| a * a * (j + k) as f64) })
            .skip(1)
            .take(4)
            .map(|v| v * v)
            .sum()
    }

    flat_and_left(x) at POINTS {
        let (a, mut total) = (2.0, 0.0);
        for v in x.iter().flat_map(|a| x.iter().map(move |b| a * b)) {
            if v < -0.6 {
                break;
            }
            if v < 0.0 {
                continue;
            }
            total += v * v * a;
        }
        total
    }

    the_largest_of_pairs(x) at LONG {
        let best = x
            .iter()
            .enumerate()
            .flat_map(|(i, a)| x[i + 1..].iter().map(move |b| (a - b) * (a - b)))
            .max_by(|a, b| a.total_cmp(b));
        best.unwrap_or(0.0)
    }
}

functions_of_lists! {
    lists_of_integers(x) at POINTS {
        let signs: Vec<i32> = x.iter().map(|v| if *v > 0.0 { 1 } else { -1 }).collect();
        let places: Vec<usize> = x.iter().enumerate().filter(|(_, v)| **v > 0.0).map(|(i, _)| i).collect();
        let large: Vec<bool> = x.iter().map(|v| v.abs() > 1.0).collect();
        let mut total = 0.0;
        for (i, v) in x.iter().enumerate() {
            if large[i] { total += v * v * signs[i] as f64; }
        }
        for i in places { total += x[i] * x[i] * i as f64; }
        total
    }

    asked_of_lists(x) at POINTS {
        let sorted = x.iter().is_sorted();
        let last = x.iter().rposition(|v| *v > 0.0).unwrap_or(0);
        let same = x.iter().eq(x.iter().rev());
        let s: f64 = x.iter().map(|v| v * v).sum();
        s * (last + 1) as f64 * if sorted { 2.0 } else { 1.0 } * if same { 3.0 } else { 1.0 }
    }
}

/// What happens in the adaptors happens as often as in Rust.
mod effects {
    use nalgrad::{gradient, hvp};
    use std::cell::Cell;

    /// What comes after the last item is not looked at.
    #[gradient(wrt(x))]
    #[hvp]
    fn looked_at(x: &[f64], seen: &Cell<usize>) -> f64 {
        x.iter()
            .filter(|v| {
                seen.set(seen.get() + 1);
                **v > 0.0
            })
            .take(2)
            .map(|v| v * v * v)
            .sum()
    }

    #[test]
    fn not_after_the_last() {
        let (x, seen) = ([1.0, -0.5, 2.0, 4.0, 5.0], Cell::new(0));
        assert_eq!((looked_at(&x, &seen), seen.replace(0)), (9.0, 3));
        let gradient = vec![3.0, 0.0, 12.0, 0.0, 0.0];
        assert_eq!(
            (looked_at_value_and_gradient(&x, &seen), seen.replace(0)),
            ((9.0, gradient.clone()), 3)
        );
        let along = [1.0, 1.0, 0.5, 1.0, 1.0];
        assert_eq!(
            (looked_at_hvp(&x, seen_of(&seen), &along), seen.get()),
            ((gradient, vec![6.0, 0.0, 6.0, 0.0, 0.0]), 3)
        );
    }

    fn seen_of(seen: &Cell<usize>) -> &Cell<usize> {
        seen
    }

    /// The other one is asked after it.
    #[gradient(wrt(x))]
    fn beside(x: &[f64], y: &[f64], seen: &Cell<usize>) -> f64 {
        x.iter()
            .filter(|_| {
                seen.set(seen.get() + 1);
                true
            })
            .zip(y)
            .map(|(a, b)| a * a * b)
            .sum()
    }

    #[test]
    fn one_more_than_there_are_beside_it() {
        let (x, y, seen) = ([1.0, 2.0, 3.0, 4.0], [0.5, 0.5], Cell::new(0));
        assert_eq!((beside(&x, &y, &seen), seen.replace(0)), (2.5, 3));
        assert_eq!(
            (beside_value_and_gradient(&x, &y, &seen), seen.replace(0)),
            ((2.5, vec![1.0, 2.0, 0.0, 0.0]), 3)
        );
    }

    /// The predicate is asked until it fails once.
    #[gradient(wrt(x))]
    fn skips(x: &[f64], seen: &Cell<usize>) -> f64 {
        x.iter()
            .skip_while(|v| {
                seen.set(seen.get() + 1);
                **v > 0.0
            })
            .map(|v| v * v)
            .sum()
    }

    #[test]
    fn until_it_fails() {
        let (x, seen) = ([1.0, -0.5, 2.0, 4.0], Cell::new(0));
        assert_eq!((skips(&x, &seen), seen.replace(0)), (20.25, 2));
        assert_eq!(
            (skips_value_and_gradient(&x, &seen), seen.replace(0)),
            ((20.25, vec![0.0, -1.0, 4.0, 8.0]), 2)
        );
    }
}
