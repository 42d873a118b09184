//! Structs that a function builds, as a whole: borrowed, matched, in `Option`s and tuples, passed on.

#![allow(
    dead_code,
    clippy::match_single_binding,
    reason = "some fields are written only, and there are several ways to take a struct apart"
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
    parts_of_parts_of_tuples(x) at POINTS {
        let mut t = (x[0], Vector2::new(x[1], 1.0));
        t.1.x += x[0];
        t.1[1] *= t.1.x;
        for &c in x {
            t.1.y += c * t.0;
            t.0 *= t.1.x.cos();
        }
        let mut nested = (1.0, (x[0], t.1));
        nested.1.1.x = nested.1.0.sin();
        if x[0] > 1.0 {
            nested.1.1.y -= x[1];
        }
        t.0 * t.1.norm_squared() + nested.1.1.norm_squared()
    }

    taken_apart_behind_a_reference(x) at POINTS {
        let mut state = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        let State { x: at, v } = &mut state;
        *v += at.x;
        *at *= 2.0;
        at.y += x[0];
        state.x.norm_squared() * state.v
    }

    borrowed(x) at POINTS {
        let state = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        let s = &state;
        let t = s;
        s.x.norm_squared() * t.v
    }

    borrowed_while_it_changes(x) at POINTS {
        let mut state = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        {
            let s = &mut state;
            s.v *= s.x.x;
            s.x += Vector2::new(1.0, x[1]);
        }
        let seen = &state;
        let before = seen.v;
        state.v = before * before;
        state.x.norm_squared() * state.v
    }

    matched(x) at POINTS {
        let state = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        match state {
            State { x, v } if v > 0.0 => x.norm() * v,
            State { x: at, .. } => at.norm_squared(),
        }
    }

    matched_by_reference(x) at POINTS {
        let mut state = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        state.v += 1.0;
        let State { x: at, v } = &state;
        let first = at.x * v;
        match &state {
            State { x: at, v } => first + at.norm_squared() * v,
        }
    }

    in_an_option(x) at POINTS {
        let best = if x[0] > 1.0 {
            Some(State { x: Vector2::new(x[0], 1.0), v: x[1] })
        } else {
            None
        };
        match best {
            Some(s) => s.x.norm_squared() * s.v,
            None => x[0] * x[1],
        }
    }

    in_an_option_with_a_pattern(x) at POINTS {
        let best = (x[0] > 1.0).then(|| State { x: Vector2::new(x[0], 1.0), v: x[1] });
        if let Some(State { x: at, v }) = best {
            at.norm() * v
        } else {
            x[1].sin()
        }
    }

    of_a_branch(x) at POINTS {
        let state = if x[0] > 1.0 {
            State { x: Vector2::new(x[0], 1.0), v: x[1] }
        } else {
            State { x: Vector2::new(1.0, x[1]), v: 2.0 }
        };
        let copy = state;
        state.x.norm_squared() * copy.v + copy.x.y
    }

    in_a_tuple(x) at POINTS {
        let (state, scale) = (State { x: Vector2::new(x[0], 1.0), v: x[1] }, x[0]);
        let pair = (state, state);
        pair.0.x.norm_squared() * scale + pair.1.v
    }

    of_functions_inside(x) at POINTS {
        fn step(s: State, dt: f64) -> State {
            State { x: s.x + Vector2::new(s.v, 1.0) * dt, ..s }
        }
        fn energy(s: &State) -> f64 {
            s.x.norm_squared() + s.v * s.v
        }
        let advance = |State { x, v }: State| State { x: x * 0.5, v: v.sin() };
        let mut s = State { x: Vector2::new(x[0], 0.0), v: x[1] };
        for &c in x {
            s = step(s, c);
        }
        s = advance(s);
        energy(&s)
    }

    folded(x) at POINTS {
        let end = x.iter().fold(State { x: Vector2::new(1.0, 0.0), v: 0.5 }, |s, &c| State {
            x: s.x + Vector2::new(s.v, c),
            v: s.v * c.cos(),
        });
        end.x.norm_squared() + end.v
    }

    the_best_state(x) at POINTS {
        let mut best: Option<State> = None;
        for &c in x {
            let s = State { x: Vector2::new(c, 1.0), v: c * c };
            best = match best {
                Some(b) if b.v >= s.v => Some(b),
                _ => Some(s),
            };
        }
        match best {
            Some(s) => s.x.norm_squared() * s.v,
            None => 0.0,
        }
    }

    chosen_by_a_comparison(x) at POINTS {
        let states: Vec<State> = x.iter().map(|&c| State { x: Vector2::new(c, c * c), v: c }).collect();
        let best = states.iter().max_by(|a, b| a.v.total_cmp(&b.v)).unwrap();
        let first = states.first().unwrap();
        best.x.norm_squared() + first.v
    }

    swapped(x) at POINTS {
        let mut a = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        let mut b = State { x: Vector2::new(1.0, x[1]), v: x[0] * 2.0 };
        std::mem::swap(&mut a, &mut b);
        a.v += b.v;
        let old = std::mem::replace(&mut b, a);
        a.x.norm_squared() * b.v + old.v
    }

    a_list_in_a_struct(x) at POINTS {
        struct Track { at: Vec<f64>, speed: f64 }
        let mut track = Track { at: Vec::new(), speed: x[0] };
        for &c in x {
            track.at.push(c * track.speed);
            track.speed += 0.1 * c;
        }
        track.at.iter().map(|a| a * a).sum::<f64>() + track.speed
    }
}
