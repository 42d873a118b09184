//! Patterns of lists whose length only the run tells.

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;
use nalgebra::{Vector2, Vector3};

const POINTS: [&[f64]; 5] = [
    &[],
    &[0.7],
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5],
];

functions_of_lists! {
    a_corner(x) at POINTS {
        let [a, b, c] = x else {
            return 0.5;
        };
        a * b + c * c
    }

    by_length(x) at POINTS {
        match x {
            [] => 0.0,
            [a] => a * a,
            [a, rest @ ..] => a * rest.iter().map(|r| r * r).sum::<f64>(),
        }
    }

    with_guards(x) at POINTS {
        match *x {
            [a, b] if a > b => a.sin() * b,
            [a, .., b] if a < 0.5 => a * b,
            [.., b] => b.exp(),
            _ => 1.0,
        }
    }

    inside(x) at POINTS {
        if let [a, middle @ .., b] = x {
            a * b + middle.iter().sum::<f64>().powi(2)
        } else {
            x.iter().sum::<f64>() * 3.0
        }
    }

    windows(x) at POINTS {
        let mut total = 0.0;
        for w in x.windows(2) {
            let [a, b] = w else { unreachable!() };
            total += (b - a).powi(2) * a;
        }
        for w in x.chunks(2) {
            if let [a, b] = w {
                total += a.sin() * b;
            }
        }
        total
    }

    in_an_iterator(x) at POINTS {
        x.windows(3)
            .map(|w| match w {
                [a, b, c] => a * b * c,
                _ => 0.0,
            })
            .sum()
    }

    numbers_inside(x) at POINTS {
        match x {
            [0.0..=0.5, b, ..] => b * b * b,
            [a, _, c] if *c < 0.0 => a * c,
            [a, ..] => 2.0 * a * a,
            [] => 0.0,
        }
    }

    split(x) at POINTS {
        let Some((first, rest)) = x.split_first() else {
            return 0.0;
        };
        let Some((last, middle)) = rest.split_last() else {
            return first * first;
        };
        let (near, far) = middle.split_at(middle.len() / 2);
        first * last + near.iter().sum::<f64>() * first - far.iter().map(|v| v.powi(3)).sum::<f64>()
    }

    before_it_changes(x) at POINTS {
        let mut v = x.to_vec();
        let first = match &v[..] {
            [a, ..] => *a,
            [] => 0.0,
        };
        if let [.., last] = v[..] {
            v[0] = 3.0 * last;
        }
        let [now, ..] = v[..] else {
            return 1.0;
        };
        first * now * v[0]
    }

    left_by_a_loop(x) at POINTS {
        for i in 0..x.len() {
            let Some(v) = x.get(i + 1) else { break };
            if *v > 0.0 {
                return v * x[i];
            }
        }
        x.iter().sum()
    }

    of_a_list_that_is_made(x) at POINTS {
        let squares: Vec<f64> = x.iter().map(|v| v * v).collect();
        match squares.as_slice() {
            [a, b, rest @ ..] => a * b.sin() + rest.iter().sum::<f64>(),
            [a] => a.cos(),
            [] => 0.0,
        }
    }

    of_vectors(x) at POINTS {
        let points: Vec<Vector2<f64>> = x.windows(2).map(|w| Vector2::new(w[0], w[1])).collect();
        if let [a, .., b] = &points[..] {
            a.dot(b)
        } else {
            0.0
        }
    }
}

mod lists_of_vectors {
    use super::*;
    use crate::common::{assert_close, slope};
    use nalgrad::gradient;

    #[gradient]
    fn area(points: &[Vector3<f64>]) -> f64 {
        let [a, b, c] = points else { panic!("three") };
        (b - a).cross(&(c - a)).norm_squared()
    }

    #[gradient]
    #[allow(dead_code, reason = "known by its gradient")]
    fn area_of_array(points: &[Vector3<f64>; 3]) -> f64 {
        let [a, b, c] = points;
        (b - a).cross(&(c - a)).norm_squared()
    }

    #[test]
    fn gradients() {
        let points = [
            Vector3::new(0.3, -0.2, 1.0),
            Vector3::new(0.9, 0.4, -0.5),
            Vector3::new(-1.2, 0.8, 0.1),
        ];
        let (by_list, by_array) = (area_gradient(&points), area_of_array_gradient(&points));
        assert_eq!(by_list, by_array);
        for k in 0..3 {
            for i in 0..3 {
                let along = slope(|t| {
                    let mut moved = points;
                    moved[k][i] += t;
                    area(&moved)
                });
                assert_close(by_list[k][i], along);
            }
        }
    }

    #[test]
    #[should_panic(expected = "three")]
    fn of_another_length() {
        area_gradient(&[]);
    }
}

mod from_behind {
    use super::*;

    functions_of_lists! {
        tested_inside(x) at POINTS {
            match x {
                [a @ 0.0..=1.0, .., b @ (..=0.0)] => a * b,
                [.., (0.35..), _, c] => c.sin() * x[0],
                [rest @ .., b @ (1.0..)] => b * b + rest.iter().sum::<f64>(),
                [] => 1.0,
                _ => 2.0 * x[0],
            }
        }
    }
}
