//! Small functions as users of iterators write them.

#![allow(
    clippy::needless_range_loop,
    clippy::same_item_push,
    clippy::while_let_on_iterator,
    reason = "that is what people write"
)]

#[allow(dead_code, reason = "shared with other tests")]
mod common;
#[path = "common/list.rs"]
mod list;

use list::functions_of_lists;

const LONG: [&[f64]; 3] = [
    &[0.3, 0.8, -1.1],
    &[2.1, 0.4, -0.6, 1.5, 0.9],
    &[0.2, -1.4, 0.6, 1.15, -0.9, 0.5, 1.7],
];

functions_of_lists! {
    a_variance(x) at LONG {
        let m = x.iter().sum::<f64>() / x.len() as f64;
        x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() - 1) as f64
    }

    the_largest_step(x) at LONG {
        x.iter().zip(x.iter().skip(1)).map(|(a, b)| (b - a).abs()).fold(0.0, f64::max)
    }

    ends_of_a_range(x) at LONG {
        let (lo, hi) = x.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        hi - lo * lo
    }

    each_and_the_one_before(x) at LONG {
        let mut it = x.iter().copied();
        let mut prev = it.next().unwrap();
        let mut total = 0.0;
        for v in it {
            total += (v - prev) * v;
            prev = v;
        }
        total
    }

    pairs(x) at LONG {
        x.chunks_exact(2).map(|p| p[0] * p[1]).sum()
    }

    horner(x) at LONG {
        x.iter().rev().fold(0.0, |acc, c| acc * 2.0 + c)
    }

    an_entropy(x) at LONG {
        let exps: Vec<f64> = x.iter().map(|v| v.exp()).collect();
        let z: f64 = exps.iter().sum();
        exps.iter().map(|e| e / z).map(|p| -p * p.ln()).sum()
    }

    a_log_sum_exp(x) at LONG {
        let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        m + x.iter().map(|v| (v - m).exp()).sum::<f64>().ln()
    }

    running_sums(x) at LONG {
        let cum: Vec<f64> = x.iter().scan(0.0, |s, &v| { *s += v; Some(*s) }).collect();
        cum.iter().map(|c| c * c).sum()
    }

    all_but_one(x) at LONG {
        x.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, v)| v * v).product()
    }

    a_convolution(x) at LONG {
        let w = [0.2, 0.5, 0.3];
        x.windows(3).map(|s| s.iter().zip(&w).map(|(a, b)| a * b).sum::<f64>()).map(|v| v * v).sum()
    }

    an_array(x) at LONG {
        let [a, b, c] = [x[0], x[1], x[2]].map(|v| v * v);
        a * b + c
    }

    the_largest_and_its_place(x) at LONG {
        let best = x.iter().enumerate().max_by(|a, b| a.1.partial_cmp(b.1).unwrap()).unwrap();
        best.1 * best.1 * best.0 as f64
    }

    a_median(x) at LONG {
        let mut sorted = x.to_vec();
        sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let n = sorted.len();
        if n % 2 == 1 { sorted[n / 2] } else { 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]) }
    }

    split_by_sign(x) at LONG {
        let pos: Vec<f64> = x.iter().copied().filter(|&v| v > 0.0).collect();
        let neg: Vec<f64> = x.iter().copied().filter(|&v| v <= 0.0).collect();
        pos.iter().sum::<f64>() * neg.iter().map(|v| v * v).sum::<f64>()
    }

    changed_in_place(x) at LONG {
        let mut y = x.to_vec();
        y.iter_mut().for_each(|v| *v = v.tanh());
        for (i, v) in y.iter_mut().enumerate() { *v *= i as f64; }
        y.iter().zip(x).map(|(a, b)| a * b).sum()
    }

    pairs_of_places(x) at LONG {
        let n = x.len();
        (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).map(|(i, j)| (x[i] - x[j]).powi(2)).sum()
    }

    pairs_of_entries(x) at LONG {
        let mut total = 0.0;
        for (i, a) in x.iter().enumerate() {
            for b in &x[i + 1..] { total += a * b; }
        }
        total
    }

    one_remembered(x) at LONG {
        let mut prev = None;
        let mut total = 0.0;
        for &v in x {
            if let Some(p) = prev { total += (v - p) * (v - p); }
            prev = Some(v);
        }
        total
    }

    a_leaky_unit(x) at LONG {
        x.iter().map(|&v| if v > 0.0 { v } else { 0.01 * v }).sum::<f64>().sqrt()
    }

    up_to_a_place(x) at LONG {
        let first_neg = x.iter().position(|v| *v < 0.0).unwrap_or(x.len());
        x[..first_neg].iter().map(|v| v * v).sum::<f64>() + x[first_neg..].iter().sum::<f64>()
    }

    two_parts(x) at LONG {
        let (a, b) = x.split_at(2);
        a.iter().sum::<f64>() * b.iter().product::<f64>()
    }

    alternating(x) at LONG {
        x.iter().step_by(2).zip(x.iter().skip(1).step_by(2)).map(|(re, im)| re * re + im * im).sum()
    }

    of_unit_length(x) at LONG {
        let norm = x.iter().map(|v| v * v).sum::<f64>().sqrt();
        let unit: Vec<_> = x.iter().map(|v| v / norm).collect();
        unit[0] * unit[1] + unit.last().unwrap()
    }

    a_mean_of_some(x) at LONG {
        let count = x.iter().filter(|v| **v > 0.0).count() as f64;
        x.iter().filter(|v| **v > 0.0).sum::<f64>() / count
    }

    a_product_that_is_given_up(x) at LONG {
        x.iter().try_fold(1.0, |acc: f64, v| if acc.abs() < 100.0 { Some(acc * v) } else { None }).unwrap_or(0.0)
    }

    one_more_at_the_beginning(x) at LONG {
        std::iter::once(1.0).chain(x.iter().copied()).zip(x.iter()).map(|(a, b)| a * b).sum()
    }

    sums_of_sums(x) at LONG {
        (0..x.len()).map(|i| (0..=i).map(|j| x[j]).sum::<f64>().powi(2)).sum()
    }

    a_table(x) at LONG {
        let table: Vec<Vec<f64>> = x.iter().map(|a| x.iter().map(|b| a * b).collect()).collect();
        table.iter().flatten().map(|v| v * v).sum()
    }

    rows_of_a_table(x) at LONG {
        let table: Vec<Vec<f64>> = x.iter().map(|a| x.iter().map(|b| a * b).collect()).collect();
        table.iter().map(|row| row.iter().copied().fold(f64::MIN, f64::max)).sum()
    }

    pushed_as_often_as_a_loop_decides(x) at LONG {
        let mut list = Vec::new();
        for i in 0..x.len() { for j in 0..i { list.push(x[i] * x[j]); } }
        list.iter().map(|v| v * v).sum()
    }

    left_early(x) at LONG {
        let mut total = 0.0;
        for (k, chunk) in x.chunks(2).enumerate() {
            let s: f64 = chunk.iter().sum();
            if k > 2 { break; }
            total += s * s;
        }
        total
    }

    pushed_around_a_circle(x) at LONG {
        let mut acc = Vec::with_capacity(x.len());
        for (a, b) in x.iter().zip(x.iter().cycle().skip(1)) { acc.push(a * b); }
        acc.into_iter().sum::<f64>()
    }

    scaled_by_the_largest(x) at LONG {
        let s = x.iter().copied().map(f64::abs).max_by(|a, b| a.total_cmp(b)).unwrap();
        x.iter().map(|v| v / s).sum()
    }

    reduced(x) at LONG {
        x.iter().copied().reduce(|a, b| a.hypot(b)).unwrap()
    }

    the_last_three(x) at LONG {
        let y: Vec<f64> = x.iter().rev().take(3).rev().cloned().collect();
        y.iter().enumerate().map(|(i, v)| v.powi(i as i32 + 1)).sum()
    }

    added_to_a_variable(x) at LONG {
        let mut sum = 0.0;
        x.iter().for_each(|v| sum += v * v);
        sum.sqrt()
    }

    a_mean_direction(x) at LONG {
        let (s, c) = x.iter().map(|v| v.sin_cos()).fold((0.0, 0.0), |(a, b), (s, c)| (a + s, b + c));
        s.atan2(c)
    }

    places_of_some(x) at LONG {
        let idx: Vec<usize> = (0..x.len()).filter(|&i| x[i] > 0.0).collect();
        idx.iter().map(|&i| x[i] * x[i]).sum()
    }

    places_in_order(x) at LONG {
        let mut idx: Vec<usize> = (0..x.len()).collect();
        idx.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
        idx.iter().enumerate().map(|(k, &i)| x[i] * x[i] * (k + 1) as f64).sum()
    }

    the_largest_by_size(x) at LONG {
        let largest = x.iter().max_by(|a, b| a.abs().partial_cmp(&b.abs()).unwrap_or(std::cmp::Ordering::Equal)).unwrap();
        largest * largest
    }

    pushed_beside_a_condition(x) at LONG {
        let mut list = vec![x[0]];
        for (i, a) in x.iter().enumerate() { for b in &x[i + 1..] { if a * b > 0.13 { list.push(a * b * b); } } }
        list.iter().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    pushed_in_three_loops(x) at LONG {
        let mut list = Vec::new();
        for i in (0..x.len()).rev() { for j in i..x.len() { for k in 0..j { list.push(x[i] * x[j] + x[k]); } } }
        list.iter().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    pushed_before_and_in_a_loop(x) at LONG {
        let n = 3;
        let mut list = Vec::new();
        for i in 0..n { list.push(x[i]); for j in 0..=i { list.push(x[i] * x[j] * j as f64); } }
        list.iter().enumerate().map(|(i, v)| v * v * (i + 1) as f64).sum()
    }

    numbered_by_reference(x) at LONG {
        let mut t = 0.0;
        for (i, v) in x.iter().enumerate().filter(|(i, v)| *i % 2 == 0 && **v > -1.0) { t += v * v * i as f64; }
        t
    }

    a_name_in_a_closure(x) at LONG {
        let it = x.iter().map(|v| v * v);
        let f = |k: f64| it.clone().map(|v| v * k).sum::<f64>();
        f(2.0) * f(x[0])
    }

    goes_on_and_stops(x) at LONG {
        let mut it = x.iter();
        let mut t = 1.0;
        while let Some(v) = it.next() {
            if *v < -1.2 { continue; }
            if *v > 1.6 { break; }
            t += t * v;
        }
        t + it.map(|v| v * v).sum::<f64>()
    }

    taken_on_one_side(x) at LONG {
        let mut it = x.iter();
        let a = if x.len() > 3 { it.next().unwrap() * 2.0 } else { 1.0 };
        let b = it.next().unwrap();
        a * b + it.sum::<f64>()
    }

    closures_that_return(x) at LONG {
        let s: f64 = x.iter().map(|v| { let w = if *v > 0.0 { *v } else { return 0.5; }; w * w }).sum();
        let r: Vec<f64> = x.iter().filter_map(|v| { if *v < 0.0 { return None; } Some(v.sqrt()) }).collect();
        s * r.iter().sum::<f64>()
    }

    goes_through_what_changes(x) at LONG {
        let mut y = x.to_vec();
        let mut t = 0.0;
        for k in 0..2 {
            let it = y.iter().map(|v| v * v);
            let s: f64 = it.sum();
            y[k] = s * 0.5;
            t += s;
        }
        t
    }

    circles(x) at LONG {
        let c = x.iter().cycle().zip(0..5).map(|(v, i)| v * v * i as f64).sum::<f64>();
        let d = x.iter().cycle().step_by(2).take(5).map(|v| v * v).sum::<f64>();
        let e: Vec<f64> = x.iter().cycle().skip(2).step_by(3).take(4).copied().collect();
        c + d + e[0] * e[3]
    }
}
