//! Lists of structs and of tuples that a function builds.

#![allow(
    dead_code,
    clippy::needless_range_loop,
    clippy::useless_vec,
    clippy::vec_init_then_push,
    clippy::explicit_counter_loop,
    reason = "some fields are written only, and there are several ways to write a loop"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;
use nalgebra::{Vector2, Vector3};

#[derive(Clone, Copy)]
struct State {
    x: Vector2<f64>,
    v: f64,
}

#[derive(Clone, Copy)]
struct Particle {
    at: Vector3<f64>,
    mass: f64,
    id: usize,
}

#[derive(Clone, Copy)]
struct Robot {
    state: State,
    battery: f64,
}

struct Residual {
    value: f64,
    weight: f64,
    is_robust: bool,
}

const POINTS: [&[f64]; 3] = [
    &[1.2, -0.4],
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.87],
];

functions_of_lists! {
    tuples_changed_by_reference(x) at POINTS {
        let mut pairs = vec![(x[0], x[1]); 3];
        for p in pairs.iter_mut() {
            p.0 *= p.1;
        }
        for (k, (a, b)) in pairs.iter_mut().enumerate() {
            *a += x[0] * k as f64;
            *b = b.sin() * *a;
        }
        let last = pairs.last().unwrap();
        pairs[0].0 * pairs[1].1 + last.0 * last.1
    }

    with_an_inert_part_behind_a_reference(x) at POINTS {
        let mut all = vec![Particle { at: Vector3::new(x[0], 1.0, x[1]), mass: x[0], id: 1 }; 3];
        for (k, p) in all.iter_mut().enumerate() {
            p.id += k;
            p.mass *= p.id as f64;
            p.at.x += p.mass;
        }
        for p in &mut all {
            *p = Particle { at: p.at * x[1], mass: p.mass, id: p.id * 2 };
        }
        all.iter().map(|p| p.at.norm_squared() * p.id as f64 * p.mass).sum()
    }

    inert_tuples_that_change(x) at POINTS {
        let mut list = vec![(1.0, 2.0); 2];
        list[0].1 = x[0];
        list[0].1 * x[1] * list[1].0
    }

    arrays_that_repeat(x) at POINTS {
        let all = [x[0] * x[1]; 3];
        let states = [State { x: Vector2::new(x[0], 1.0), v: x[1] }; 2];
        all[2] * states[1].v + states.iter().map(|s| s.x.norm_squared()).sum::<f64>()
    }

    states_of_a_simulation(x) at POINTS {
        let mut states = vec![];
        let mut at = Vector2::new(x[0], 0.5);
        for &c in x {
            at += Vector2::new(c.sin(), 0.1 * c);
            states.push(State { x: at, v: c * c });
        }
        states.iter().map(|s| s.x.norm_squared() * s.v).sum()
    }

    states_at_places(x) at POINTS {
        let mut states: Vec<State> = Vec::new();
        for i in 0..x.len() {
            states.push(State { x: Vector2::new(x[i], 1.0), v: x[i].exp() });
        }
        let n = states.len();
        let mut total = 0.0;
        for i in 0..n {
            let next = &states[(i + 1) % n];
            total += states[i].x.dot(&next.x) * next.v;
        }
        total + states[0].v * states[n - 1].x[0]
    }

    states_that_change(x) at POINTS {
        let mut states = vec![State { x: Vector2::zeros(), v: 0.0 }; 3];
        for (i, &c) in x.iter().enumerate() {
            states[i % 3].x += Vector2::new(c, c * c);
            states[i % 3].v = c.cos();
        }
        let mut energy = 0.0;
        for s in &states {
            energy += s.v * s.x.norm_squared();
        }
        energy
    }

    replaced_as_a_whole(x) at POINTS {
        let mut states = vec![State { x: Vector2::new(1.0, x[0]), v: x[0] }; 2];
        for i in 0..x.len() {
            let old = states[i % 2];
            states[(i + 1) % 2] = State { x: old.x * x[i], v: old.v + old.x.y };
        }
        states[0].v * states[1].v + states[0].x.x
    }

    written_out(x) at POINTS {
        let particles = [
            Particle { at: Vector3::new(x[0], x[1], 0.3), mass: 2.0, id: 1 },
            Particle { at: Vector3::new(x[1], 0.0, x[0]), mass: x[1] * x[1] + 1.0, id: 2 },
            Particle { at: Vector3::new(0.2, 1.0, x[0] * x[1]), mass: 0.5, id: 3 },
        ];
        let mut energy = 0.0;
        for i in 0..3 {
            for j in 0..i {
                let d = particles[i].at - particles[j].at;
                energy -= particles[i].mass * particles[j].mass / (d.norm_squared() + 0.1).sqrt();
            }
        }
        energy * particles.len() as f64
    }

    written_out_and_gone_through(x) at POINTS {
        let particles = vec![
            Particle { at: Vector3::new(x[0], x[1], 0.3), mass: 2.0, id: 1 },
            Particle { at: Vector3::new(x[1], 0.0, x[0]), mass: x[1], id: 2 },
        ];
        let center = particles.iter().map(|p| p.at.x * p.mass).sum::<f64>();
        let mut total = center;
        for p in &particles {
            total += p.at.norm_squared() * p.id as f64;
        }
        total
    }

    with_a_part_that_is_inert(x) at POINTS {
        let mut particles = Vec::new();
        for (k, &c) in x.iter().enumerate() {
            particles.push(Particle { at: Vector3::new(c, c * c, 1.0), mass: c, id: 2 * k + 1 });
        }
        let mut total = 0.0;
        for p in particles.iter() {
            total += p.at.norm_squared() * p.mass * p.id as f64;
        }
        total
    }

    structs_in_structs(x) at POINTS {
        let mut robots = Vec::new();
        let mut battery = 1.0;
        for &c in x {
            battery *= 0.9 + 0.01 * c;
            let state = State { x: Vector2::new(c, battery), v: c.sin() };
            robots.push(Robot { state, battery });
        }
        let mut cost = 0.0;
        for k in 1..robots.len() {
            let step = robots[k].state.x - robots[k - 1].state.x;
            cost += step.norm_squared() * robots[k].battery + robots[k].state.v;
        }
        cost
    }

    robots_that_move(x) at POINTS {
        let start = Robot { state: State { x: Vector2::new(0.1, x[0]), v: 1.0 }, battery: 1.0 };
        let mut robots = vec![start; 2];
        for &c in x {
            for i in 0..robots.len() {
                let v = robots[i].state.v;
                robots[i].state.x += Vector2::new(v, c) * 0.1;
                let battery = robots[i].battery;
                robots[i].state.v -= 0.1 * c * battery;
                robots[i].battery *= 0.95;
            }
            robots[1].state.v += c;
        }
        robots.iter().map(|r| r.state.x.norm_squared() + r.state.v * r.battery).sum()
    }

    changed_by_reference(x) at POINTS {
        let mut states = vec![State { x: Vector2::new(1.0, x[0]), v: x[1] }; 3];
        for s in states.iter_mut() {
            s.v += s.x.y * s.x.y;
            s.x *= 1.5;
        }
        for (i, s) in states.iter_mut().enumerate() {
            s.v *= x[0] + i as f64;
        }
        let last = &mut states[2];
        last.v = last.v.sin();
        let mut total = 0.0;
        for s in states {
            total += s.x.norm_squared() * s.v;
        }
        total
    }

    pushed_one_by_one(x) at POINTS {
        let mut all = Vec::new();
        all.push(Residual { value: x[0] - 1.0, weight: 2.0, is_robust: false });
        all.push(Residual { value: x[1] * x[0], weight: x[0], is_robust: true });
        let mut cost = 0.0;
        for r in &all {
            let square = r.value * r.value;
            cost += r.weight * if r.is_robust { (1.0 + square).ln() } else { square };
        }
        cost
    }

    pushed_before_and_in_a_loop(x) at POINTS {
        let mut all = vec![State { x: Vector2::new(x[0], 1.0), v: 2.0 }];
        for i in 1..x.len() {
            let before = &all[i - 1];
            let next = State { x: before.x * 0.5 + Vector2::new(x[i], 0.0), v: before.v * x[i] };
            all.push(next);
        }
        let last = all.last().unwrap();
        last.x.norm_squared() + last.v + all[0].x.x
    }

    pushed_under_a_condition(x) at POINTS {
        let mut hits: Vec<Residual> = Vec::new();
        for &c in x {
            if c > 0.0 {
                hits.push(Residual { value: c.ln(), weight: c, is_robust: true });
            } else if c < -0.5 {
                hits.push(Residual { value: c, weight: 0.5, is_robust: true });
            }
        }
        let mut total = hits.len() as f64 * x[0];
        for r in &hits {
            total += r.weight * r.value * r.value;
        }
        total
    }

    collected(x) at POINTS {
        let states: Vec<State> = x
            .iter()
            .map(|&c| State { x: Vector2::new(c, c.sin()), v: c * c })
            .collect();
        let total: f64 = states.iter().map(|s| s.v * s.x.y).sum();
        states.iter().fold(total, |sum, s| sum + s.x.dot(&states[0].x))
    }

    windows_of_states(x) at POINTS {
        let states: Vec<_> = x
            .iter()
            .map(|&c| State { x: Vector2::new(c, 1.0), v: c.cos() })
            .collect();
        let mut total = 0.0;
        for pair in states.windows(2) {
            total += (pair[1].x - pair[0].x).norm_squared() * pair[0].v;
        }
        for (a, b) in states.iter().zip(states.iter().skip(1)) {
            total += a.v * b.v;
        }
        total
    }

    tuples_at_places(x) at POINTS {
        let mut pairs = Vec::new();
        for &c in x {
            pairs.push((c, c * c));
        }
        let mut total = 0.0;
        for i in 0..pairs.len() {
            total += pairs[i].0 * pairs[pairs.len() - 1 - i].1;
        }
        for (a, b) in &pairs {
            total += a.sin() * b;
        }
        total
    }

    tuples_collected(x) at POINTS {
        let pairs = x.iter().enumerate().map(|(i, &c)| (i, c * c)).collect::<Vec<(usize, f64)>>();
        let mut total = 0.0;
        for (i, square) in pairs {
            total += square * (i + 1) as f64;
        }
        total
    }

    tuples_that_change(x) at POINTS {
        let mut pairs = vec![(0.0, Vector2::zeros()); 2];
        for (i, &c) in x.iter().enumerate() {
            pairs[i % 2].0 += c;
            let sum = pairs[i % 2].0;
            pairs[i % 2].1 += Vector2::new(c, 1.0) * sum;
        }
        pairs.swap(0, 1);
        pairs[0] = (pairs[0].0 * 2.0, pairs[1].1 + pairs[0].1);
        pairs.iter().map(|(a, v)| a * v.norm_squared()).sum()
    }

    tuples_written_out(x) at POINTS {
        let table = [(x[0], 1.0), (x[1], 2.0), (x[0] * x[1], 3.0)];
        let mut total = 0.0;
        for i in 0..table.len() {
            total += table[i].0.powi(2) * table[i].1 + table[(i + 1) % 3].0;
        }
        let (nodes, weights): (Vec<f64>, Vec<f64>) = table.iter().copied().unzip();
        total + nodes[1] * weights[2]
    }

    the_best_of_a_list(x) at POINTS {
        let all: Vec<(f64, f64)> = x.iter().map(|&c| ((c - 0.35).abs(), c)).collect();
        let mut best = all[0];
        for pair in &all {
            if pair.0 < best.0 {
                best = *pair;
            }
        }
        best.0 * best.1
    }

    of_a_closure(x) at POINTS {
        let make = |c: f64| State { x: Vector2::new(c, 2.0), v: c };
        let energy = |s: &State| s.x.norm_squared() * s.v;
        fn total(states: &[State]) -> f64 {
            let mut sum = 0.0;
            for s in states {
                sum += s.x.x * s.v;
            }
            sum
        }
        let states: Vec<State> = x.iter().map(|&c| make(c)).collect();
        energy(&states[1]) + total(&states)
    }

    shadowed(x) at POINTS {
        let mut states = vec![State { x: Vector2::new(x[0], 1.0), v: x[1] }; 2];
        let mut total = 0.0;
        for &c in x {
            let mut states = Vec::new();
            for k in 0..2 {
                states.push(State { x: Vector2::new(c, k as f64), v: c * c });
            }
            total += states[1].x.norm_squared() * states[0].v;
        }
        states[0].v *= total;
        states[0].v + states[1].x.x
    }

    a_borrow_that_a_loop_changes(x) at POINTS {
        let mut states = vec![State { x: Vector2::new(x[0], 1.0), v: x[1] }; 2];
        let last = &mut states[1];
        for &c in x {
            last.v = (last.v * c).sin() + last.x.x;
        }
        let mut one = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        let same = &mut one;
        for &c in x {
            same.v *= c;
            same.x += Vector2::new(same.v, 1.0);
        }
        states[0].v * states[1].v + one.v + one.x.norm_squared()
    }

    found(x) at POINTS {
        let states: Vec<State> = x.iter().map(|&c| State { x: Vector2::new(c, 2.0), v: c * c }).collect();
        let first = states.iter().find(|s| s.v > 0.5);
        let second = states.get(1).map(|s| s.v * s.x.y);
        let by_first = match first {
            Some(s) => s.x.norm_squared() * s.v,
            None => 1.0,
        };
        by_first + second.unwrap_or(0.0) + states[0].v
    }

    filtered(x) at POINTS {
        let states: Vec<State> = x.iter().map(|&c| State { x: Vector2::new(c, 2.0), v: c * c }).collect();
        let fast: Vec<State> = states.iter().filter(|s| s.v > 0.5).copied().collect();
        let total: f64 = states.iter().filter(|s| s.x.x > 0.0).map(|s| s.v).sum();
        fast.iter().map(|s| s.x.dot(&s.x) * total).sum()
    }

    part_of_a_list(x) at POINTS {
        let states: Vec<State> = x.iter().map(|&c| State { x: Vector2::new(c, 2.0), v: c * c }).collect();
        let tail = &states[1..];
        let mut total = 0.0;
        for s in tail {
            total += s.v * s.x.x;
        }
        for s in &states[..2] {
            total *= s.x.norm();
        }
        total
    }

    copied_and_changed(x) at POINTS {
        let states: Vec<State> = x.iter().map(|&c| State { x: Vector2::new(c, 2.0), v: c * c }).collect();
        let mut other = states.clone();
        for i in 1..other.len() {
            other[i].v += other[i - 1].v * x[0];
            let before = other[i - 1].x;
            other[i].x += before * x[i];
        }
        let mut total = 0.0;
        for (a, b) in states.iter().zip(&other) {
            total += a.v * b.v + a.x.dot(&b.x);
        }
        total
    }

    printed_by_its_fields(x) at POINTS {
        let mut states = Vec::new();
        for &c in x {
            states.push(State { x: Vector2::new(c, 2.0), v: c * c });
        }
        assert!(states.len() == x.len(), "there are {} states", states.len());
        assert!(states[0].v < 1000.0, "{}", states[0].v);
        states[0].v * states[1].x.x
    }

    of_lists_of_one_length(x) at POINTS {
        struct Track { points: Vec<f64>, weight: f64 }
        let mut tracks = Vec::new();
        for &c in x {
            tracks.push(Track { points: vec![c, c * c, 1.0], weight: c.cos() });
        }
        let mut total = 0.0;
        for t in &tracks {
            total += t.weight * t.points.iter().map(|p| p * p).sum::<f64>();
        }
        total + tracks[1].points[1]
    }

    extended(x) at POINTS {
        let mut pairs = vec![(x[0], 1.0)];
        pairs.extend(x.iter().map(|&c| (c.sin(), c)));
        let mut total = 0.0;
        for i in 0..pairs.len() {
            total += pairs[i].0 * pairs[i].1 * (i + 1) as f64;
        }
        total
    }

    by_two_loops(x) at POINTS {
        let mut pairs = Vec::new();
        for i in 0..x.len() {
            for j in 0..2 {
                pairs.push((i, j, x[i] * x[j]));
            }
        }
        let mut total = 0.0;
        for &(i, j, product) in &pairs {
            total += product * product * (i + 2 * j) as f64;
        }
        total + pairs[0].2
    }

    a_while_loop_changes(x) at POINTS {
        let mut states = [State { x: Vector2::new(x[0], 1.0), v: x[1] }; 3];
        let mut k = 0;
        while k < 5 {
            let next = (k + 1) % 3;
            states[next].v += states[k % 3].v * x[0];
            if states[next].v > 1.0 {
                states[next].x *= 0.5;
            } else {
                states[next] = State { x: Vector2::new(x[1], 0.0), v: states[next].v.sin() };
            }
            k += 1;
        }
        states.iter().map(|s| s.x.norm_squared() * s.v).sum()
    }

    unzipped(x) at POINTS {
        let states: Vec<State> = x.iter().map(|&c| State { x: Vector2::new(c, 2.0), v: c * c }).collect();
        let (a, b): (Vec<Vector2<f64>>, Vec<f64>) = states.iter().map(|s| (s.x, s.v)).unzip();
        let mut total = 0.0;
        for (p, v) in a.iter().zip(b.iter()) {
            total += p.norm_squared() * v;
        }
        total
    }

    folded_from_a_list(x) at POINTS {
        let states: Vec<State> = x.iter().map(|&c| State { x: Vector2::new(c, 2.0), v: c * c }).collect();
        let sum = states.iter().fold(Vector2::zeros(), |sum, s| sum + s.x * s.v);
        let longest = states.iter().map(|s| s.x.norm()).fold(0.0, f64::max);
        sum.norm_squared() * longest
    }

    old_values_stay(x) at POINTS {
        let mut all = vec![Particle { at: Vector3::new(x[0], 1.0, x[1]), mass: x[0], id: 3 }; 2];
        let old = all[0];
        all[0].id = 7;
        all[0].mass *= x[1];
        all[0] = Particle { at: all[1].at * 2.0, mass: all[0].mass, id: all[0].id + 1 };
        let copy = all.clone();
        all[0].id += 1;
        all[1].mass = 0.5;
        let mut k = 0;
        let mut count = || {
            k += 1;
            k
        };
        let numbered = [(count(), x[0]), (count(), x[1] * x[0])];
        let mut total = old.id as f64 * old.mass + copy[0].id as f64 * copy[1].mass;
        for (n, value) in &numbered {
            total += *n as f64 * value;
        }
        total + all[0].id as f64 * all[0].mass * all[1].mass * all[0].at.x
    }

    kept_by_a_closure(x) at POINTS {
        let mut state = State { x: Vector2::new(x[0], 1.0), v: x[1] };
        let before = move |c: f64| state.v * c + state.x.x;
        state.v = 2.0;
        state.x *= x[1];
        let mut best = Some((1, state.v * x[0]));
        let old = best;
        best = Some((2, x[1]));
        let taken = best.take();
        let (i, a) = old.unwrap();
        let (j, b) = taken.unwrap();
        before(x[0]) + state.x.norm_squared() + a * i as f64 + b * j as f64
    }
}
