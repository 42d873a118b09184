//! Iterators that pick an item, or leave some out.

#![allow(
    clippy::double_ended_iterator_last,
    clippy::iter_skip_next,
    clippy::manual_repeat_n,
    reason = "that is what is tested"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;
use nalgebra::Vector2;

const POINTS: [&[f64]; 5] = [
    &[],
    &[0.7],
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.9],
];

functions_of_lists! {
    the_largest(x) at POINTS {
        let largest = x.iter().max_by(|a, b| a.partial_cmp(b).unwrap());
        largest.map_or(0.5, |l| l * l)
    }

    the_least_by_what_is_computed(x) at POINTS {
        let least = x.iter().copied().min_by(|a, b| a.abs().total_cmp(&b.abs()));
        least.unwrap_or(2.0).sin()
    }

    the_largest_by_a_path(x) at POINTS {
        x.iter().map(|v| v * v).max_by(f64::total_cmp).unwrap_or(0.0)
    }

    its_place(x) at POINTS {
        let best = x
            .iter()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(i, _)| i)
            .unwrap_or(0);
        if x.is_empty() { 0.0 } else { x[best] * x[best] * (best + 1) as f64 }
    }

    the_nearest_pair(x) at POINTS {
        let nearest = x
            .windows(2)
            .map(|w| ((w[0] - w[1]).powi(2), w[0]))
            .min_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
        match nearest {
            Some((d, a)) => d * a,
            None => 1.0,
        }
    }

    reduced(x) at POINTS {
        let largest = x.iter().copied().reduce(f64::max).unwrap_or(0.0);
        let folded = x.iter().map(|v| v.sin()).reduce(|a, b| a * b + 1.0);
        largest * largest + folded.unwrap_or(3.0)
    }

    first_and_last(x) at POINTS {
        let last = x.iter().last().copied().unwrap_or(1.0);
        let third = x.iter().map(|v| v * v).nth(2).unwrap_or(0.5);
        last * last + third
    }

    of_some(x) at POINTS {
        let second = x.iter().skip(1).next().map_or(2.0, |v| v.exp());
        let positive = x.iter().filter(|v| **v > 0.0).last();
        second + positive.map_or(0.0, |p| p * p)
    }

    found(x) at POINTS {
        let negative = x.iter().find(|v| **v < 0.0).copied().unwrap_or(0.3);
        let root = x.iter().find_map(|v| if *v < 1.0 && *v > 0.0 { Some(v.sqrt()) } else { None });
        negative * negative + root.unwrap_or(1.5)
    }

    while_they_fit(x) at POINTS {
        let head: f64 = x.iter().take_while(|v| **v > 0.0).map(|v| v * v).sum();
        let roots: Vec<f64> = x
            .iter()
            .map_while(|v| if *v > 0.0 { Some(v.sqrt()) } else { None })
            .collect();
        let mut total = head;
        for (r, v) in roots.iter().zip(x) {
            total += r * v;
        }
        for v in x.iter().filter(|v| **v < 1.9).take_while(|v| **v > -0.5) {
            total += v.powi(3);
        }
        total
    }

    in_a_circle(x) at POINTS {
        let weighted: f64 = x.iter().cycle().take(7).enumerate().map(|(i, v)| v * v * i as f64).sum();
        let constant: f64 = std::iter::repeat_n(0.5, 3).zip(x).map(|(a, b)| a * b).sum();
        let first: f64 = std::iter::repeat(2.0).take(2).zip(x).map(|(a, b)| a * b * b).sum();
        weighted + constant + first
    }

    two_lists(x) at POINTS {
        let (sines, squares): (Vec<f64>, Vec<f64>) = x.iter().map(|v| (v.sin(), v * v)).unzip();
        let (large, small): (Vec<f64>, Vec<f64>) = x.iter().copied().partition(|v| *v > 0.5);
        let product: f64 = sines.iter().zip(&squares).map(|(a, b)| a * b).sum();
        product + large.iter().map(|v| v.powi(3)).sum::<f64>() - small.iter().map(|v| v * v).sum::<f64>()
    }

    of_vectors(x) at POINTS {
        let farthest = x
            .windows(2)
            .map(|w| Vector2::new(w[0], w[1] * w[0]))
            .max_by(|a, b| a.norm().total_cmp(&b.norm()));
        farthest.map_or(0.0, |v| v.x * v.y)
    }

    by_order(x) at POINTS {
        let mut total = 0.0;
        for w in x.windows(2) {
            if w[0].partial_cmp(&w[1]) == Some(std::cmp::Ordering::Less) {
                total += w[0] * w[1];
            } else if w[0].total_cmp(&w[1]).is_gt() {
                total += w[0] * w[0];
            }
        }
        total
    }
}

mod effects {
    use nalgrad::gradient;
    use std::cell::Cell;

    /// What an iterator looks at is made once.
    #[gradient(wrt(x))]
    fn counted(x: &[f64], made: &Cell<usize>) -> f64 {
        x.iter()
            .map(|v| {
                made.set(made.get() + 1);
                v * v
            })
            .filter(|v| *v > 0.5)
            .filter_map(|v| {
                made.set(made.get() + 100);
                if v < 9.0 { Some(v * 2.0) } else { None }
            })
            .sum()
    }

    #[test]
    fn once() {
        let (x, made) = ([1.0, 0.5, -2.0, 4.0], Cell::new(0));
        let value = counted(&x, &made);
        assert_eq!((value, made.replace(0)), (10.0, 304));
        assert_eq!(
            counted_value_and_gradient(&x, &made),
            (10.0, vec![4.0, 0.0, -8.0, 0.0])
        );
        assert_eq!(made.replace(0), 304);
        assert_eq!(counted_gradient(&x, &made), [4.0, 0.0, -8.0, 0.0]);
        assert_eq!(made.get(), 304);
    }

    /// The others are made as well, although nobody reads them.
    #[gradient(wrt(x))]
    fn last(x: &[f64], made: &Cell<usize>) -> f64 {
        let last = x
            .iter()
            .map(|v| {
                made.set(made.get() + 1);
                v * v
            })
            .last();
        last.unwrap()
    }

    #[test]
    fn all_before_the_last() {
        let (x, made) = ([1.0, 0.5, -2.0], Cell::new(0));
        assert_eq!((last(&x, &made), made.replace(0)), (4.0, 3));
        let (value, gradient) = last_value_and_gradient(&x, &made);
        assert_eq!((value, made.replace(0)), (4.0, 3));
        assert_eq!(gradient, [0.0, 0.0, -4.0]);
        assert_eq!(last_gradient(&x, &made), gradient);
        assert_eq!(made.get(), 3);
    }

    #[gradient]
    #[allow(dead_code, reason = "known by its gradient")]
    fn largest(x: &[f64]) -> f64 {
        *x.iter()
            .max_by(|a, b| a.partial_cmp(b).expect("ordered"))
            .unwrap()
    }

    #[test]
    #[should_panic(expected = "ordered")]
    fn what_cannot_be_compared() {
        largest_gradient(&[1.0, f64::NAN]);
    }

    #[test]
    fn the_last_of_equal_ones() {
        assert_eq!(largest_gradient(&[2.0, 1.0, 2.0]), [0.0, 0.0, 1.0]);
    }
}
