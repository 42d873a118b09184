//! Lists in another order, items by a key, and iterators that are left in between.

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
    &[0.2, -1.4, 0.6, 1.1, -0.9, 0.5, 1.7],
];

const LONG: [&[f64]; 3] = [
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.9],
    &[0.2, -1.4, 0.6, 1.1, -0.9, 0.5, 1.7],
];

functions_of_lists! {
    by_size(x) at POINTS {
        let mut y = x.to_vec();
        y.sort_by(|a, b| a.partial_cmp(b).unwrap());
        y.iter().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    a_median(x) at LONG {
        let mut squares: Vec<f64> = x.iter().map(|v| v * v).collect();
        squares.sort_unstable_by(f64::total_cmp);
        let middle = squares.len() / 2;
        squares[middle] * squares[0]
    }

    the_largest_three(x) at LONG {
        let mut y = x.to_vec();
        y.sort_by(|a, b| b.total_cmp(a));
        let top: f64 = y.iter().take(3).map(|v| v.exp()).product();
        y.reverse();
        top + y[0] * y[1]
    }

    by_a_key(x) at LONG {
        let mut y = x.to_vec();
        y.sort_by_key(|v| (v * 10.0 + 0.35) as i64);
        y.rotate_left(1);
        y.iter().enumerate().map(|(i, v)| v * v * v * (i + 1) as f64).sum()
    }

    written_out(x) at LONG {
        let mut three = [x[0] * x[1], x[1], x[2] * 2.0];
        three.sort_by(|a, b| a.partial_cmp(b).unwrap());
        three[0] * three[1] + three[2] * three[2]
    }

    points(x) at LONG {
        let mut points: Vec<Vector2<f64>> = x.windows(2).map(|w| Vector2::new(w[0], w[1] * w[0])).collect();
        points.sort_by(|a, b| a.y.total_cmp(&b.y));
        let mut total = 0.0;
        for (i, p) in points.iter().enumerate() {
            total += p.x * p.y * (i + 1) as f64;
        }
        total
    }

    of_a_vector(x) at LONG {
        let mut y = DVector::from_column_slice(x).map(|v| v * v);
        y.as_mut_slice().sort_by(|a, b| a.total_cmp(b));
        y[0] * y[1] + y[2]
    }

    in_a_loop(x) at LONG {
        let mut y = x.to_vec();
        for k in 0..3 {
            y.sort_by(|a, b| a.total_cmp(b));
            y[0] += y[1] * y[2] + k as f64;
        }
        y.iter().map(|v| v * v).sum()
    }

    largest_by_a_key(x) at POINTS {
        let weights = [3, 1, 4, 1, 5, 9, 2];
        let best = x.iter().enumerate().max_by_key(|(i, _)| weights[*i]).map(|(_, v)| *v);
        let least = x.iter().enumerate().min_by_key(|(i, _)| weights[*i]).map(|(_, v)| *v);
        best.unwrap_or(0.5).powi(2) * least.unwrap_or(1.5).exp()
    }

    the_last_of_the_largest(x) at POINTS {
        let by_sign = x.iter().max_by_key(|v| (**v * 0.1 + 0.05).floor() as i32).copied().unwrap_or(0.1);
        let least = x.iter().copied().min_by_key(|v| (*v * 10.0 + 0.35) as i64).unwrap_or(0.3);
        by_sign * by_sign * least
    }

    from_behind(x) at POINTS {
        let last = x.iter().map(|v| v * v).next_back().unwrap_or(2.0);
        let positive = x.iter().rfind(|v| **v > 0.0).copied().unwrap_or(0.3);
        let third = x.iter().nth_back(2).copied().unwrap_or(0.7);
        x.iter().rfold(last, |a, v| a * 0.5 + v * positive) * third
    }

    as_long_as_it_fits(x) at POINTS {
        let total = x.iter().try_fold(0.5, |sum, v| if sum + v > -1.0 { Some(sum + v * v) } else { None });
        match total {
            Some(total) => total * total,
            None => x[0],
        }
    }
}

/// Functions that are left in between.
mod left {
    use crate::common::{assert_close, slope};
    use nalgrad::{gradient, hvp, jvp};

    #[derive(Debug, PartialEq)]
    struct Negative(usize);

    #[gradient]
    #[jvp]
    #[hvp]
    fn logarithms(x: &[f64]) -> Option<f64> {
        let roots = x
            .iter()
            .map(|v| if *v > 0.0 { Some(v.ln()) } else { None })
            .collect::<Option<Vec<f64>>>()?;
        let total = x.iter().try_fold(0.1, |sum, v| {
            if *v < 5.0 {
                Some(sum * 0.5 + v * v)
            } else {
                None
            }
        })?;
        Some(total * roots.iter().sum::<f64>())
    }

    #[gradient]
    #[jvp]
    fn checked(x: &[f64]) -> Result<f64, Negative> {
        x.iter().enumerate().try_for_each(
            |(i, v)| {
                if *v < 0.0 { Err(Negative(i)) } else { Ok(()) }
            },
        )?;
        let total = x.iter().enumerate().try_fold(0.0, |sum, (i, v)| {
            if *v > 9.0 {
                Err(Negative(i + 100))
            } else {
                Ok(sum + v * v * v)
            }
        })?;
        Ok(total * x[0])
    }

    #[test]
    fn values() {
        let x = [0.5, 1.5, 2.5];
        let (value, gradient) = logarithms_value_and_gradient(&x).unwrap();
        assert_eq!(Some(value), logarithms(&x));
        let (checked_value, checked_bar) = checked_value_and_gradient(&x).unwrap();
        assert_eq!(Ok(checked_value), checked(&x));
        for i in 0..3 {
            let mut dx = [0.0; 3];
            dx[i] = 1.0;
            let moved = |t: f64| {
                let mut moved = x;
                moved[i] += t;
                moved
            };
            assert_close(gradient[i], slope(|t| logarithms(&moved(t)).unwrap()));
            assert_close(logarithms_jvp(&x, &dx).unwrap().1, gradient[i]);
            let (same, second) = logarithms_hvp(&x, &dx).unwrap();
            assert_eq!(same, gradient);
            for (j, second) in second.iter().enumerate() {
                let along = |t: f64| logarithms_gradient(&moved(t)).unwrap()[j];
                assert_close(*second, slope(along));
            }
            assert_close(checked_bar[i], slope(|t| checked(&moved(t)).unwrap()));
            assert_close(checked_jvp(&x, &dx).unwrap().1, checked_bar[i]);
        }
    }

    #[test]
    fn without_a_value() {
        assert_eq!(logarithms_gradient(&[1.0, -1.0]), None);
        assert_eq!(logarithms_gradient(&[1.0, 6.0]), None);
        assert_eq!(checked_gradient(&[1.0, 2.0, -1.0]), Err(Negative(2)));
        assert_eq!(checked_gradient(&[1.0, 10.0]), Err(Negative(101)));
    }

    #[test]
    #[should_panic(expected = "called `Option::unwrap()` on a `None` value")]
    fn what_cannot_be_sorted() {
        #[gradient]
        #[allow(dead_code, reason = "known by its gradient")]
        fn least(x: &[f64]) -> f64 {
            let mut y = x.to_vec();
            y.sort_by(|a, b| a.partial_cmp(b).unwrap());
            y[0]
        }
        least_gradient(&[1.0, f64::NAN]);
    }
}
