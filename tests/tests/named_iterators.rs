//! Iterators that are bound to names.

#![allow(
    clippy::while_let_loop,
    clippy::while_let_on_iterator,
    reason = "that is what is tested"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;

const POINTS: [&[f64]; 5] = [
    &[],
    &[0.7],
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.9],
];

const LONG: [&[f64]; 3] = [
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.9],
    &[0.2, -1.4, 0.6, 1.1, -0.9, 0.5, 1.7],
];

functions_of_lists! {
    a_name(x) at POINTS {
        let entries = x.iter();
        entries.fold(0.0, |sum, entry| sum + entry * entry * entry)
    }

    pairs(x) at POINTS {
        let pairs = x.iter().zip(x.iter().skip(1));
        let mut total = 0.0;
        for (a, b) in pairs {
            total += a * b * b;
        }
        total
    }

    a_name_of_a_name(x) at POINTS {
        let entries = x.iter().map(|v| v * v);
        let numbered = entries.enumerate();
        let s: f64 = numbered.map(|(i, v)| v * v * (i + 1) as f64).sum();
        s
    }

    read_twice(x) at POINTS {
        let squares = x.iter().map(|v| v * v);
        let sum: f64 = squares.clone().sum();
        let mut total = sum;
        for s in squares {
            total += s * sum;
        }
        total
    }

    names_that_change(x) at POINTS {
        let k = 3.0;
        let n = 2;
        let entries = x.iter().take(n).map(|v| v * v * k);
        let k = 5.0;
        let n = 7;
        let sum: f64 = entries.map(|v| v * v + k).sum();
        sum + n as f64
    }

    a_number_that_changes(x) at LONG {
        let mut scale = x[0] * 2.0;
        let entries = x.iter().map(move |v| v * v * scale);
        scale += x[1];
        let sum: f64 = entries.sum();
        sum * scale
    }

    an_integer_that_changes(x) at LONG {
        let mut k = 2;
        let entries = x.iter().map(move |v| v * v * k as f64);
        k += 5;
        let sum: f64 = entries.sum();
        sum * k as f64
    }

    counted_before(x) at POINTS {
        let mut n = 2;
        let entries = x.iter().take(n);
        n += 3;
        let sum: f64 = entries.map(|v| v * v * v).sum();
        sum * n as f64
    }

    the_first(x) at LONG {
        let mut it = x.iter();
        let first = it.next().unwrap();
        it.fold(*first, |a, v| a * v + v)
    }

    two_and_the_rest(x) at LONG {
        let mut it = x.iter().map(|v| v * v);
        let a = it.next().unwrap();
        let b = it.next().unwrap();
        let mut total = a * b;
        for v in it {
            total += v * a * v;
        }
        total
    }

    in_one_statement(x) at LONG {
        let mut it = x.iter().copied();
        let d = it.next().unwrap() - 2.0 * it.next().unwrap() * it.next().unwrap();
        let s: f64 = it.map(|v| v * v).sum();
        d * d + s
    }

    perhaps_a_first(x) at POINTS {
        let mut it = x.iter();
        match it.next() {
            Some(first) => {
                let mut best = first * first;
                for v in it {
                    best = if v * first > best { v * first } else { best };
                }
                best
            }
            None => 1.5,
        }
    }

    by_steps(x) at LONG {
        let mut it = x.iter();
        let second = it.nth(1).unwrap();
        let third = it.next().copied().unwrap_or(2.0);
        let rest: f64 = it.map(|v| v * v).sum();
        second * third * third + rest
    }

    from_both_ends(x) at LONG {
        let mut it = x.iter();
        let first = it.next().unwrap();
        let last = it.next_back().unwrap();
        let middle: f64 = it.enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum();
        first * last * last + middle
    }

    while_there_are_some(x) at POINTS {
        let mut it = x.iter();
        let mut total = 1.0;
        while let Some(v) = it.next() {
            total += total * v * 0.3;
        }
        total
    }

    the_first_of_them(x) at POINTS {
        let mut it = x.iter();
        let head: f64 = it.by_ref().take(2).map(|v| v * v * v).sum();
        let tail: f64 = it.map(|v| v * v).sum();
        head * tail + head
    }

    two_at_a_time(x) at POINTS {
        let mut it = x.iter();
        let mut total = 0.0;
        while let Some(a) = it.next() {
            let b = it.next().copied().unwrap_or(0.5);
            total += a * b * b;
        }
        total
    }

    until_there_are_none(x) at POINTS {
        let mut it = x.iter();
        let mut total = 0.1;
        loop {
            match it.next() {
                Some(v) => total += v * v * total,
                None => break,
            }
        }
        total
    }

    one_more_on_one_side(x) at POINTS {
        let mut it = x.iter();
        let mut total = 0.0;
        if x.len() > 2 {
            total += it.next().unwrap().powi(3);
        }
        let rest: f64 = it.map(|v| v * v).sum();
        total * rest + total
    }

    looks_ahead(x) at LONG {
        let mut it = x.iter().peekable();
        let mut total = 0.0;
        while let Some(v) = it.next() {
            if let Some(w) = it.peek() {
                total += v * v * *w;
            }
        }
        total
    }

    in_a_loop(x) at POINTS {
        let pairs = x.iter().enumerate();
        let mut total = 0.0;
        for k in 0..3 {
            for (i, v) in pairs.clone() {
                total += v * v * (i + k) as f64;
            }
        }
        total
    }

    what_is_left_out(x) at POINTS {
        let positive = x.iter().filter(|v| **v > 0.0);
        let roots = positive.map(|v| v.sqrt());
        let n = roots.clone().count();
        let s: f64 = roots.sum();
        s * s / (n + 1) as f64
    }

    a_range(x) at POINTS {
        let places = 0..x.len();
        let s: f64 = places.clone().map(|i| x[i] * x[i]).sum();
        let t: f64 = places.rev().map(|i| x[i].sin()).sum();
        s * t
    }

    in_a_closure(x) at POINTS {
        let power = |scale: f64| {
            let scaled = x.iter().map(|v| v * scale);
            let s: f64 = scaled.map(|v| v * v * v).sum();
            s
        };
        power(2.0) + power(x.len() as f64)
    }
}
