//! Lists of which a branch gives one or the other.

#![allow(
    dead_code,
    clippy::needless_range_loop,
    reason = "some fields are written only, and there are several ways to write a loop"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;
use nalgebra::Vector2;

#[derive(Clone, Copy)]
struct State {
    x: Vector2<f64>,
    v: f64,
}

const POINTS: [&[f64]; 3] = [
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.87],
];

functions_of_lists! {
    longer_on_one_side(x) at POINTS {
        let mut list = vec![x[0]];
        if x[1] > 0.0 {
            list.push(x[1]);
        }
        list.push(x[0] * x[1]);
        list.iter().map(|v| v * v).sum()
    }

    one_list_or_another(x) at POINTS {
        let v = if x[0] > 1.0 { vec![x[0] * x[1]] } else { vec![x[0], x[1] * x[1]] };
        v.iter().map(|a| a * a).sum::<f64>() * v.len() as f64
    }

    a_list_or_none(x) at POINTS {
        let v = if x[0] > 1.0 { Vec::new() } else { x.iter().map(|c| c.sin()).collect() };
        let mut total = x[0] * x[1];
        for a in &v {
            total += a * a;
        }
        total
    }

    the_list_itself_or_a_part(x) at POINTS {
        let v = if x[0] > 1.0 { &x[1..] } else { &x[..2] };
        v.iter().map(|a| a.exp()).sum::<f64>() + v[0]
    }

    by_a_match(x) at POINTS {
        let n = x.len();
        let v = match n {
            2 => vec![x[0]],
            3 => vec![x[0] * x[2], x[1], x[2]],
            _ => x.to_vec(),
        };
        let last = v[v.len() - 1];
        v.iter().fold(last, |s, a| s + a * a * a)
    }

    vectors(x) at POINTS {
        let v = if x[1] > 0.5 {
            vec![Vector2::new(x[0], x[1])]
        } else {
            vec![Vector2::new(x[0], 1.0), Vector2::new(x[1], x[0])]
        };
        let mut total = 0.0;
        for p in &v {
            total += p.norm_squared() * x[0];
        }
        total + v[0].x
    }

    pushed_on_a_side(x) at POINTS {
        let mut v = vec![x[0]];
        if x[1] > 0.0 {
            v.push(x[1] * x[0]);
        }
        let mut total = 0.0;
        for i in 0..v.len() {
            total += v[i] * v[i] * (i + 1) as f64;
        }
        total
    }

    early(x) at POINTS {
        fn positive(x: &[f64]) -> Vec<f64> {
            if x[0] > 1.0 {
                return Vec::new();
            }
            x.iter().map(|c| c * c).collect()
        }
        let v = positive(x);
        if v.is_empty() {
            return x[0].sin() * x[1];
        }
        v.iter().sum::<f64>() + v[0] * v[1]
    }

    records(x) at POINTS {
        let v = if x[0] > 1.0 {
            vec![State { x: Vector2::new(x[0], 1.0), v: x[1] }]
        } else {
            x.iter().map(|&c| State { x: Vector2::new(c, c), v: c }).collect()
        };
        v.iter().map(|s| s.x.norm_squared() * s.v).sum()
    }

    an_option_of_a_list(x) at POINTS {
        let v = if x[0] > 1.0 { Some(vec![x[0], x[1]]) } else { None };
        match v {
            Some(v) => v[0] * v[1],
            None => x[1].cos(),
        }
    }
}
