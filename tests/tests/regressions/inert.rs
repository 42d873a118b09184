//! Values that no parameter reaches: what of them changes is read where it is written, once and in order.

use crate::oracle::panic_message;
use crate::{Config, Log};
use nalgebra::{DVector, Matrix2, Vector2, Vector3};
use nalgrad::{gradient, jvp};
use std::cell::{Cell, RefCell};
use std::sync::Mutex;

struct Wrapped(f64);
struct Pair([f64; 2]);

#[test]
fn a_mutable_name_in_a_pattern_is_read_at_its_place() {
    #[gradient]
    fn f(x: f64, w: Wrapped) -> f64 {
        let Wrapped(mut k) = w;
        let y = x * k;
        k += 1.0;
        y + x * x * k
    }
    expect!((1.5, Wrapped(2.0)) => 2.0 + 9.0);
}

#[test]
fn a_mutable_name_in_an_array_pattern_is_read_at_its_place() {
    #[gradient]
    fn f(x: f64, w: Pair) -> f64 {
        let [mut k, q] = w.0;
        let y = x * k;
        k += q;
        y + x * x * k
    }
    expect!((1.5, Pair([2.0, 3.0])) => 2.0 + 15.0);
}

#[test]
fn a_mutable_parameter_is_read_at_its_place() {
    #[gradient(wrt(x))]
    fn f(x: f64, mut k: f64, mut config: Config) -> f64 {
        let y = k * x + config.a * x;
        k += 1.0;
        config.a += 1.0;
        y + k * x * x + config.a * x * x
    }
    expect!((1.5, 2.0, Config { a: 4.0, b: 0.0 }) => 6.0 + 24.0);
}

#[test]
fn a_parameter_behind_a_mutable_reference_is_read_at_its_place() {
    #[gradient(wrt(x))]
    fn f(x: f64, k: &mut f64, config: &mut Config) -> f64 {
        let y = *k * x + config.b * x;
        *k += 1.0;
        config.b += 1.0;
        y + *k * x * x + config.b * x * x
    }
    expect!((1.5, &mut 2.0, &mut Config { a: 0.0, b: 4.0 }) => 6.0 + 24.0);
}

#[test]
fn a_mutable_self_is_read_at_its_place() {
    struct Counter(f64);
    impl Counter {
        #[gradient]
        fn f(&mut self, x: f64) -> f64 {
            let y = x * self.0;
            self.0 += 1.0;
            y + x * x * self.0
        }
    }
    fn f(x: f64) -> f64 {
        Counter(2.0).f(x)
    }
    fn f_gradient(x: f64) -> f64 {
        Counter(2.0).f_gradient(x)
    }
    fn f_value_and_gradient(x: f64) -> (f64, f64) {
        Counter(2.0).f_value_and_gradient(x)
    }
    expect!((1.5) => 2.0 + 9.0);
}

#[test]
fn what_a_mutable_reference_points_to_is_read_at_its_place() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let mut c = 2.0;
        let k = &mut c;
        let y = x * *k;
        *k += 1.0;
        y + x * x * *k
    }
    expect!((1.5) => 2.0 + 9.0);
}

#[test]
fn a_method_called_len_need_not_be_a_length() {
    struct Calls(Cell<usize>);
    impl Calls {
        fn len(&self) -> usize {
            self.0.set(self.0.get() + 1);
            self.0.get()
        }
    }
    #[gradient]
    fn f(x: f64, calls: &Calls) -> f64 {
        let y = x * calls.len() as f64;
        y + x * x * calls.len() as f64
    }
    expect!((1.5, &Calls(Cell::new(0))) => 1.0 + 6.0);
}

#[test]
fn a_call_with_a_memory_is_made_once_for_each_time_it_is_written() {
    fn next(calls: &Cell<i32>) -> i32 {
        calls.set(calls.get() + 1);
        calls.get()
    }
    #[gradient]
    fn f(x: f64) -> f64 {
        let calls = Cell::new(0);
        let y = x * next(&calls) as f64;
        let z = x * x * next(&calls) as f64;
        x.powi(next(&calls)) + y * z * next(&calls) as f64
    }
    // x³ + 1 · 2 · 4 · x³
    expect!((1.5) => 27.0 * 1.5 * 1.5);
}

#[test]
fn a_mutable_number_is_read_at_its_place() {
    #[gradient(wrt(x))]
    fn f(x: f64, k: f64) -> f64 {
        let mut m = k;
        let y = x * m;
        m += 1.0;
        let z = y * m;
        m *= 2.0;
        z * x * m
    }
    // 2.5 · 3.5 · 7 · x²
    expect!((1.5, 2.5) => 2.0 * 2.5 * 3.5 * 7.0 * 1.5);
}

#[test]
fn the_mutable_part_of_a_tuple_is_read_where_the_tuple_is_made() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let mut c = 1.0;
        let t = (c, x);
        c += 4.0;
        t.0 * t.1 + c * x * x
    }
    expect!((1.5) => 1.0 + 15.0);
}

#[test]
fn a_cell_is_read_at_its_place() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let c = Cell::new(2.0);
        let y = x * c.get();
        c.set(5.0);
        let z = {
            let k = c.replace(3.0);
            x * x * k
        };
        y + z + x * x * x * c.get()
    }
    expect!((1.5) => 2.0 + 15.0 + 9.0 * 1.5 * 1.5);
}

#[test]
fn the_borrow_of_a_cell_ends_with_its_statement() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let c = RefCell::new(2.0);
        let y = x * *c.borrow();
        *c.borrow_mut() = 5.0;
        y + x * x * *c.borrow()
    }
    expect!((1.5) => 2.0 + 15.0);
}

#[test]
fn the_lock_of_a_mutex_ends_with_its_statement() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let m = Mutex::new(2.0);
        let y = x * *m.lock().unwrap();
        *m.try_lock().unwrap() = 5.0;
        y + x * x * *m.try_lock().unwrap()
    }
    expect!((1.5) => 2.0 + 15.0);
}

#[test]
fn effects_in_an_expression_keep_their_order() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let y = x * log.say("1") + log.say("2") * x * x;
        let k = log.say("3");
        let z = y * k - log.say("4");
        let w = if z > log.say("5") {
            z * log.say("6")
        } else if z > -log.say("7") {
            z
        } else {
            log.say("8") * z
        };
        w.max(log.say("9") - 100.0) * x
    }
    logged!(3.0, "1 2 3 4 5 6 9");
    logged!(0.3, "1 2 3 4 5 7 9");
    logged!(-0.6, "1 2 3 4 5 7 9");
    logged!(-2.0, "1 2 3 4 5 6 9");
}

#[test]
fn effects_in_arguments_keep_their_order() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let v = Vector3::new(x * log.say("1"), log.say("2"), x);
        let w = v * log.say("3") + Vector3::new(log.say("4"), x, 1.0);
        v.dot(&w) * log.say("5") + x.powf(log.say("6")).hypot(log.say("7"))
    }
    logged!(1.3, "1 2 3 4 5 6 7");
}

#[test]
fn effects_in_blocks_keep_their_order() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let y = log.say("1") * {
            let k = log.say("2");
            let x = x + k;
            x * x
        };
        let v = Vector2::new(
            {
                log.say("3");
                x
            },
            log.say("4"),
        );
        y.sin() * {
            log.say("5");
            v.sum()
        }
    }
    logged!(0.3, "1 2 3 4 5");
}

#[test]
fn effects_in_an_index_keep_their_order() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let v = Vector3::new(x, x, 1.0);
        let i = {
            log.say("1");
            1
        };
        let s = v[{
            log.say("2");
            i
        }];
        let q = v
            .fixed_rows::<2>({
                log.say("3");
                0
            })
            .sum();
        s * q
            * x.powi({
                log.say("4");
                2
            })
    }
    logged!(1.3, "1 2 3 4");
}

#[test]
fn effects_in_tuples_happen_once() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let t = (log.say("1"), x);
        log.say("2");
        let u = (log.say("3"), x);
        let _ = (log.say("4"), x);
        let (_, b) = (log.say("5"), x);
        t.0 * t.0 * t.1 * u.1 + (log.say("6"), b * 2.0).1
    }
    logged!(1.3, "1 2 3 4 5 6");
}

#[test]
fn effects_in_what_is_not_used_happen_once() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let a = if log.agrees("1") { x * log.say("2") } else { x };
        let _dead = x * log.say("3");
        let _branch = if x > 0.0 { log.say("4") } else { log.say("5") };
        let _vector = Vector2::new(x, log.say("6"));
        log.say("7").max(x);
        a
    }
    logged!(1.3, "1 2 3 4 6 7");
    logged!(-1.3, "1 2 3 5 6 7");
}

#[test]
fn effects_in_what_is_multiplied_by_zero_happen_once() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let z = x * 0.0 * log.say("1") + 0.0 * log.say("2") * x;
        let w = x - x + log.say("3");
        z + w * x + (x * log.say("4")).max(f64::INFINITY).min(x)
    }
    logged!(1.3, "1 2 3 4");
}

#[test]
fn effects_before_a_panic_are_those_of_the_function() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let v = DVector::from_vec(vec![x, x * x]);
        let k = log.say("1");
        let q = if x > 1.0 { v[5] } else { v[0] };
        log.say("2");
        assert!(x < 0.5, "half");
        log.say("3");
        q * k
    }
    logged!(0.3, "1 2 3");
    logged!(0.7, "1 2");
    logged!(3.0, "1");
}

#[test]
fn what_happens_beside_a_value_in_a_closure_or_a_loop() {
    #[gradient(wrt(x))]
    fn f(x: &DVector<f64>, count: &std::cell::Cell<u32>) -> f64 {
        let mut s = 0.0;
        for i in 0..x.len() {
            let (t, _) = (x[i], count.set(count.get() + 1));
            s += t * t;
        }
        let squares: f64 = x
            .iter()
            .map(|v| {
                let (square, _unread) = (v * v, count.replace(count.get() + 10));
                square
            })
            .sum();
        s + squares
    }
    let x = DVector::from_vec(vec![1.0, 2.0, 4.0]);
    let count = std::cell::Cell::new(0);
    assert_eq!(f(&x, &count), 42.0);
    assert_eq!(count.replace(0), 33);
    assert_eq!(f_gradient(&x, &count), &x * 4.0);
    assert_eq!(count.replace(0), 33);
    assert_eq!(f_value_and_gradient(&x, &count), (42.0, &x * 4.0));
    assert_eq!(count.get(), 33);
}

fn is_large(v: &f64) -> bool {
    *v > 1.0
}

fn is_far(v: &Vector2<f64>) -> bool {
    v.norm() > 1.0
}

#[test]
fn what_a_loop_goes_through_is_looked_at_behind_its_reference() {
    #[gradient(wrt(x))]
    fn f(x: &[f64], seen: &Cell<u32>) -> f64 {
        let mut total = 0.0;
        let mut n = 0;
        for v in x {
            total += v * v;
            if *v > 0.0 {
                n += 1;
            }
            if is_large(v) {
                seen.set(seen.get() + 1);
            }
        }
        if let Some(first) = x.first().copied().as_ref() {
            assert!(*first < 9.0);
            if *first > 0.0 {
                seen.set(seen.get() + 10);
            }
        }
        total * n as f64
    }
    let seen = Cell::new(0);
    let x = [0.5, 2.0, -1.0];
    assert_eq!(f(&x, &seen), 10.5);
    assert_eq!(seen.replace(0), 11);
    assert_eq!(
        f_value_and_gradient(&x, &seen),
        (10.5, vec![2.0, 8.0, -4.0])
    );
    assert_eq!(seen.replace(0), 11);
    assert_eq!(f_gradient(&x, &seen), [2.0, 8.0, -4.0]);
    assert_eq!(seen.get(), 11);
}

#[test]
fn vectors_of_a_list_are_looked_at_behind_their_references() {
    #[gradient(wrt(given))]
    fn f(given: &[Vector2<f64>], seen: &Cell<u32>) -> f64 {
        let mut made = vec![Vector2::zeros(); given.len()];
        for (i, v) in given.iter().enumerate() {
            if is_far(v) && *v != Vector2::zeros() {
                seen.set(seen.get() + 1);
            }
            made[i] = v * 2.0;
            let own = made[i];
            if is_far(&own) && is_far(&made[i]) {
                seen.set(seen.get() + 10);
            }
        }
        for v in &made {
            assert!(*v != Vector2::repeat(9.0), "{v} is not expected");
            if is_far(v) {
                seen.set(seen.get() + 100);
            }
        }
        let sum = &(made[0] + made[1]);
        if is_far(sum) {
            seen.set(seen.get() + 1000);
        }
        sum.norm_squared()
    }
    let seen = Cell::new(0);
    let x = [Vector2::new(0.5, 0.0), Vector2::new(0.5, 1.0)];
    let expected = vec![Vector2::new(8.0, 8.0); 2];
    let value = f(&x, &seen);
    assert_eq!((value, seen.replace(0)), (8.0, 1111));
    assert_eq!(f_value_and_gradient(&x, &seen), (value, expected.clone()));
    assert_eq!(seen.replace(0), 1111);
    assert_eq!(f_gradient(&x, &seen), expected);
    assert_eq!(seen.get(), 1111);
}

#[test]
fn an_assertion_says_what_the_user_wrote() {
    #[gradient]
    fn f(x: &[f64]) -> f64 {
        let mut total = 0.0;
        for v in x {
            assert!(*v < 3.0);
            let v = v * 2.0;
            assert!(v < 4.0);
            total += v;
        }
        let total = total * 2.0;
        assert!(total > 0.0);
        total
    }
    panics!((&[4.0]) => "assertion failed: *v < 3.0");
    panics!((&[2.5]) => "assertion failed: v < 4.0");
    panics!((&[]) => "assertion failed: total > 0.0");
    assert_eq!(f_gradient(&[1.0]), [4.0]);
}

#[test]
fn a_function_is_asked_with_a_length() {
    fn half(n: usize) -> usize {
        n / 2
    }
    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let mut total = x[half(x.len())].powi(2);
        for i in 0..half(x.len() + 1) {
            total += x[i];
        }
        total
    }
    expect!((&DVector::from_vec(vec![1.0, 2.0, 3.0])) => DVector::from_vec(vec![1.0, 5.0, 0.0]));
}

#[test]
fn what_counts_is_given_what_is_asked_of_differentiated_values() {
    #[gradient]
    fn f(x: &[f64]) -> f64 {
        let mut seen = vec![false; x.len()];
        let (mut any, mut count) = (false, 0);
        let mut total = 0.0;
        for i in 0..x.len() {
            any = any || x[i] > 0.5;
            count += (x[i] > 0.0) as usize;
            count = count.max(x[i] as usize);
            if any {
                seen[i] = true;
            }
            total += x[i] * x[i] * count as f64;
            if seen[i] {
                total += x[i];
            }
        }
        total
    }
    expect!((&[0.25, -1.0, 2.0]) => vec![0.5, -2.0, 9.0]);
}

#[test]
fn an_option_by_an_inert_condition() {
    #[gradient(wrt(x))]
    fn f(x: &[f64], often: &Cell<u32>) -> f64 {
        let ask = |n: usize| {
            often.set(often.get() + 1);
            n
        };
        let first = (!x.is_empty()).then(|| x[0] * x[0]);
        let second = (ask(2) > 1).then_some(x.len() as f64);
        let third = (ask(x.len()) > 2).then(|| x[2]);
        first.unwrap_or(1.0) * second.unwrap() + third.unwrap_or(0.5)
    }
    let often = Cell::new(0);
    assert_eq!(f_value_and_gradient(&[3.0], &often), (9.5, vec![6.0]));
    assert_eq!(often.replace(0), 2);
    assert_eq!(f(&[3.0], &often), 9.5);
    assert_eq!(f_gradient(&[], &often), []);
    assert_eq!(often.get(), 4);
}

#[test]
fn what_an_entry_is_given_is_evaluated_before_its_index() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let at = |k: usize, word: &'static str| {
            log.say(word);
            k
        };
        let mut v = [x, x * x, 1.0];
        v[at(0, "2")] *= log.say("1");
        v[at(1, "4")] = log.say("3") * 2.0;
        v[at(2, "6")] = {
            log.say("5");
            2.0
        };
        v[0] * v[1] * v[2] * x
    }
    logged!(1.3, "1 2 3 4 5 6");
}

#[test]
fn a_condition_that_gives_an_option_is_evaluated_once() {
    #[gradient]
    fn f(x: f64, log: &Log) -> f64 {
        let large = |v: f64| {
            log.say("1");
            v > 1.0
        };
        let root = large(x).then(|| x.sqrt());
        root.unwrap_or(x)
    }
    logged!(1.3, "1");
    logged!(0.3, "1");
}

#[test]
fn what_is_borrowed_for_change_is_looked_at() {
    #[gradient(wrt(x))]
    fn f(x: &Matrix2<f64>, seen: &Cell<usize>) -> f64 {
        let mut m = *x;
        let mut c = m.column_mut(0);
        c[0] += 1.0;
        let n = c.len();
        if c[0] > 1.0 && c.norm() > 1.0 {
            seen.set(seen.get() + n);
        }
        let e = &mut m[(1, 1)];
        *e *= 3.0;
        if *e > 2.0 && is_large(e) {
            seen.set(seen.get() + 10);
        }
        let whole = &mut m;
        whole[(0, 1)] *= 2.0;
        assert!(whole.norm() > 0.0);
        m.sum()
    }
    let (x, seen) = (Matrix2::new(0.5, 1.0, 1.0, 1.0), Cell::new(0));
    assert_eq!((f(&x, &seen), seen.replace(0)), (7.5, 12));
    let gradient = Matrix2::new(1.0, 2.0, 1.0, 3.0);
    assert_eq!(f_value_and_gradient(&x, &seen), (7.5, gradient));
    assert_eq!(seen.replace(0), 12);
    assert_eq!((f_gradient(&x, &seen), seen.get()), (gradient, 12));
}

/// What a function that may fail returns does not need to depend on its parameters.
mod some_of_what_is_inert {
    use super::*;

    #[gradient]
    fn f(x: f64, calls: &Cell<f64>) -> Option<f64> {
        if x > 1.0 {
            return None;
        }
        Some(calls.replace(calls.get() + 1.0))
    }

    #[test]
    fn has_derivative_zero() {
        let calls = Cell::new(0.5);
        assert_eq!(f_value_and_gradient(0.3, &calls), Some((0.5, 0.0)));
        assert_eq!(f_gradient(0.3, &calls), Some(0.0));
        assert_eq!(f_gradient(1.3, &calls), None);
        assert_eq!((f(0.3, &calls), calls.get()), (Some(2.5), 3.5));
    }

    /// By the name of a parameter, which it hides.
    #[gradient]
    #[jvp]
    fn hidden(x: f64) -> Option<f64> {
        let x: f64 = if x > 1.0 { 2.0 } else { -1.0 };
        Some(x)
    }

    #[test]
    fn is_not_the_parameter_of_its_name() {
        assert_eq!(hidden_value_and_gradient(0.3), Some((-1.0, 0.0)));
        assert_eq!(hidden_jvp(1.3, 1.0), hidden(1.3).map(|y| (y, 0.0)));
        assert_eq!(hidden(1.3), Some(2.0));
    }
}
