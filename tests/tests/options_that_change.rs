//! Variables that are `Option`s, and patterns inside of `Some(…)`.

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;
use nalgebra::{DVector, Vector2};

const POINTS: [&[f64]; 5] = [
    &[],
    &[0.7],
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.87],
];

const SOME_POINTS: [&[f64]; 3] = [
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.87],
];

functions_of_lists! {
    taken_out(x) at SOME_POINTS {
        let mut best: Option<f64> = None;
        let mut total = 0.0;
        for c in x {
            best = Some(*c * f64::cos(total));
            total += best.take().unwrap() * x[0];
        }
        if best.is_some() { 0.0 } else { total }
    }

    taken_with_a_pattern(x) at SOME_POINTS {
        let mut last: Option<(f64, Vector2<f64>)> = None;
        let mut total = 0.0;
        for &c in x {
            if let Some((a, v)) = last.take() {
                total += a * v.norm_squared() * c;
            } else {
                last = Some((c, Vector2::new(c * c, 1.0)));
            }
        }
        total + last.map_or(0.5, |(a, _)| a)
    }

    replaced_inside(x) at SOME_POINTS {
        let mut last = Some(x[0]);
        let mut total = 0.0;
        for &c in x {
            let before = last.replace(c * f64::sin(total));
            total += before.unwrap() * c;
        }
        total + last.unwrap()
    }

    inserted(x) at SOME_POINTS {
        let mut first: Option<f64> = None;
        let mut total = 0.0;
        for &c in x {
            let f = *first.get_or_insert(c * c);
            total += f * c;
        }
        let mut other: Option<f64> = None;
        let o = *other.get_or_insert_with(|| f64::sin(total));
        let _ = other.insert(o * x[0]);
        total + other.unwrap() + first.unwrap()
    }

    changed_inside(x) at SOME_POINTS {
        let mut best: Option<f64> = None;
        for c in x {
            match best.as_mut() {
                Some(b) => *b += c * c,
                None => best = Some(*c),
            }
        }
        best.unwrap_or(0.0) * x[0]
    }

    changed_inside_by_parts(x) at SOME_POINTS {
        let mut sums = Some((x[0], Vector2::new(1.0, x[1])));
        for &c in x {
            if let Some((a, v)) = sums.as_mut() {
                *a *= c;
                v.x += c * *a;
            }
            if c < 0.0 {
                sums = Some((c, Vector2::new(c, c * c)));
            }
        }
        let (a, v) = sums.unwrap();
        a + v.norm_squared()
    }

    the_last_vector(x) at SOME_POINTS {
        let mut last: Option<DVector<f64>> = None;
        for c in x {
            last = Some(DVector::from_element(3, *c));
        }
        last.unwrap().sum() * x[1]
    }

    a_sum_of_vectors(x) at SOME_POINTS {
        x.iter()
            .map(|v| DVector::from_element(3, *v))
            .reduce(|a, b| a.component_mul(&b) + a)
            .unwrap()
            .sum()
    }

    a_vector_that_passes(x) at SOME_POINTS {
        let v = Some(DVector::from_column_slice(x)).filter(|v| v[0] > 1.0);
        match v {
            Some(v) => v.norm_squared(),
            None => x[0] * x[1],
        }
    }

    the_best_vector(x) at SOME_POINTS {
        let mut best: Option<DVector<f64>> = None;
        for (i, &c) in x.iter().enumerate() {
            let v = DVector::from_element(i + 1, c);
            if c > 0.0 {
                best = Some(v * c);
            }
        }
        match best {
            Some(v) => v.norm_squared() * x[0],
            None => 0.5,
        }
    }

    pairs_without_a_type(x) at SOME_POINTS {
        let mut best = None;
        for &c in x {
            let s = (Vector2::new(c, 1.0), c * c);
            best = match best {
                Some((v, b)) if b > s.1 => Some((v, b)),
                _ => Some(s),
            };
        }
        let (v, b) = best.unwrap();
        v.norm_squared() * b
    }

    a_place_and_a_number(x) at SOME_POINTS {
        let mut best = None;
        for (i, &c) in x.iter().enumerate() {
            if best.is_none() || c < 0.0 {
                best = Some((i, c));
            }
        }
        let (i, c) = best.unwrap();
        (i + 1) as f64 * c * x[0]
    }

    the_largest_of_vectors(x) at SOME_POINTS {
        let mut last: Option<DVector<f64>> = None;
        let mut total = 0.0;
        for k in 1..x.len() {
            let v = DVector::from_column_slice(&x[..k]);
            if let Some(before) = &last {
                total += before.dot(&v.rows(0, before.len())) * x[k];
            }
            last = Some(v);
        }
        total
    }

    least(x) at POINTS {
        let mut best: Option<f64> = None;
        for c in x {
            best = Some(match best {
                None => c * c,
                Some(b) => b.min(c * c),
            });
        }
        best.unwrap_or(0.5)
    }

    least_by_comparison(x) at POINTS {
        let mut best = None;
        for &c in x {
            if best.is_none() || c < best.unwrap() {
                best = Some(c);
            }
        }
        match best {
            Some(b) => b * b * b,
            None => 1.0,
        }
    }

    least_by_an_arm(x) at POINTS {
        let mut best = None;
        for &c in x {
            match best {
                Some(b) if b <= c => {}
                _ => best = Some(c),
            }
        }
        best.map_or(0.0, |b: f64| b.sin())
    }

    with_its_place(x) at POINTS {
        let mut best: Option<(usize, f64)> = None;
        for (i, &c) in x.iter().enumerate() {
            let better = match best {
                Some((_, b)) => c > b,
                None => true,
            };
            if better {
                best = Some((i, c));
            }
        }
        let Some((i, b)) = best else {
            return 0.0;
        };
        b * b * (i + 1) as f64 + x[i].sin()
    }

    steps_from_the_last(x) at POINTS {
        let mut last: Option<f64> = None;
        let mut total = 0.0;
        for c in x.iter().copied() {
            if let Some(p) = last {
                total += (c - p).powi(2) * c;
            }
            last = if c > -0.5 { Some(c) } else { None };
        }
        total + last.unwrap_or(2.0)
    }

    gaps(x) at POINTS {
        let mut last: Option<(usize, f64)> = None;
        let mut total = 0.0;
        for (i, &c) in x.iter().enumerate() {
            if let Some((j, p)) = last {
                total += (c - p).powi(2) / (i - j) as f64;
            }
            if c > 0.0 {
                last = Some((i, c));
            }
        }
        total
    }

    of_vectors(x) at POINTS {
        let mut last: Option<Vector2<f64>> = None;
        let mut total = 0.0;
        for w in x.windows(2) {
            let v = Vector2::new(w[0], w[1] * w[0]);
            if let Some(p) = last {
                total += p.dot(&v);
            }
            last = Some(v);
        }
        total
    }

    in_an_outer_loop(x) at POINTS {
        let mut total = 0.0;
        for i in 0..x.len() {
            let mut nearest: Option<f64> = None;
            for j in 0..x.len() {
                if i == j {
                    continue;
                }
                let d = (x[i] - x[j]).powi(2);
                nearest = match nearest {
                    Some(n) if n < d => Some(n),
                    _ => Some(d),
                };
            }
            total += nearest.unwrap_or(0.0);
        }
        total
    }

    without_a_loop(x) at POINTS {
        let mut root = None;
        if x.len() > 1 && x[1] > 0.0 {
            root = Some(x[1].sqrt());
        } else if x.len() == 1 {
            root = Some(x[0]);
        }
        let first = root;
        if let Some(r) = root {
            root = if r > 0.8 { None } else { Some(r * r) };
        }
        first.unwrap_or(3.0) + root.map(|r: f64| r.exp()).unwrap_or(0.0)
    }

    beginning_with_an_entry(x) at POINTS {
        let mut largest = x.first().copied();
        for c in x {
            largest = largest.map(|b| if b * b < *c { c * c } else { b });
        }
        largest.unwrap_or(0.0)
    }

    until_it_is_there(x) at POINTS {
        let mut found: Option<f64> = None;
        let mut i = 0;
        let mut before = 1.0;
        while i < x.len() && found.is_none() {
            if x[i] < 0.5 {
                found = Some(x[i] * before);
            }
            before *= x[i];
            i += 1;
        }
        while found.is_some() && i < 9 {
            found = found.filter(|f| *f > 0.1).map(|f| f * 0.5);
            i += 1;
        }
        found.unwrap_or(before)
    }

    two_of_them(x) at POINTS {
        let mut a: Option<f64> = None;
        let mut b: Option<f64> = None;
        for v in x {
            b = a;
            a = Some(v * v);
        }
        a.unwrap_or(0.5) * 2.0 + b.map_or(1.0, |b| b * b)
    }

    what_it_was(x) at POINTS {
        let mut a: Option<f64> = None;
        for v in x {
            let old = a;
            a = Some(*v);
            if let Some(o) = old {
                a = Some(o * v);
            }
        }
        a.unwrap_or(0.0)
    }

    with_a_counter(x) at POINTS {
        let mut a: Option<(usize, f64)> = None;
        let mut k = 0;
        for v in x {
            k += 1;
            if k > 1 {
                a = Some((k, *v));
            }
            k += 1;
        }
        match a {
            Some((k, v)) => v * v * k as f64,
            None => 0.0,
        }
    }

    seen_by_a_closure(x) at POINTS {
        let mut a: Option<f64> = None;
        for v in x {
            let f = |w: f64| a.map_or(w, |b| b * w);
            let s = f(*v);
            a = Some(s);
        }
        a.unwrap_or(0.0)
    }

    by_a_fold(x) at POINTS {
        let largest = x.iter().fold(None, |best: Option<f64>, c| match best {
            None => Some(c.sin()),
            Some(b) => Some(b.max(c.sin())),
        });
        largest.unwrap_or_default()
    }

    ranges_inside(x) at POINTS {
        let root = if x.len() > 1 { Some(x[0] * x[1]) } else { None };
        match root {
            Some(0.0..1.0) => x[0].powi(3),
            Some(r) if r > 0.0 => r * x[0],
            Some(r) => r * r,
            None => 2.0,
        }
    }

    of_entries(x) at POINTS {
        match (x.first(), x.get(2)) {
            (Some(a), Some(0.5..)) => a * x[2],
            (Some(a), None) => a * a,
            (Some(a), Some(b)) => a - b * b,
            (None, _) => 0.0,
        }
    }
}

mod results {
    use crate::common::{assert_close, slope};
    use nalgrad::{gradient, jvp, vjp};

    #[gradient]
    #[jvp]
    #[vjp]
    fn last_positive(x: &[f64]) -> Option<f64> {
        let mut found = None;
        for &c in x {
            if c > 0.0 {
                found = Some(c * c);
            }
        }
        found
    }

    #[test]
    fn an_option_is_returned() {
        let x = [0.7, 1.2, -0.3];
        let (value, x_bar) = last_positive_value_and_gradient(&x).unwrap();
        assert_eq!(Some(value), last_positive(&x));
        assert_eq!(x_bar, [0.0, 2.4, 0.0]);
        assert_close(last_positive_jvp(&x, &[1.0, 1.0, 1.0]).unwrap().1, 2.4);
        assert_eq!(last_positive_vjp(&x).unwrap().1(2.0), [0.0, 4.8, 0.0]);
        assert_close(
            slope(|t| last_positive(&[0.7, 1.2 + t, -0.3]).unwrap()),
            2.4,
        );
        assert!(last_positive_gradient(&[-1.0]).is_none());
        assert!(last_positive_vjp(&[]).is_none());
    }

    #[gradient]
    #[allow(dead_code, reason = "known by its gradient")]
    fn first_of(x: &[f64]) -> f64 {
        let mut first = None;
        for &c in x {
            if first.is_none() {
                first = Some(c);
            }
        }
        first.expect("an entry") * 2.0
    }

    #[test]
    #[should_panic(expected = "an entry")]
    fn without_a_value_it_panics_with_the_same_message() {
        first_of_gradient(&[]);
    }
}
