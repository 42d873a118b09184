//! Which `k` is meant: names that are bound again, blocks in blocks, and statements that are kept as they stand.

use crate::oracle::panic_message;
use crate::{CONFIG, Config};
use nalgebra::{DMatrix, DVector, Vector2, Vector3};
use nalgrad::gradient;

/// The macro does not know what comes out of it.
fn same(k: f64) -> f64 {
    k
}

#[test]
fn a_constant_bound_again_is_not_the_first_one() {
    #[gradient]
    fn f(x: f64, config: &Config) -> f64 {
        let k = config.a;
        let y = x * k;
        let k = config.b;
        y + x * x * k
    }
    expect!((1.5, &CONFIG) => 2.0 + 15.0);
}

#[test]
fn blocks_beside_each_other_have_constants_of_their_own() {
    #[gradient]
    fn f(x: f64, config: &Config) -> f64 {
        let a = {
            let k = config.a;
            x * k
        };
        let b = {
            let k = config.b;
            x * x * k
        };
        a + b
    }
    expect!((1.5, &CONFIG) => 2.0 + 15.0);
}

#[test]
fn a_constant_of_an_inner_block_ends_with_the_block() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let k = same(2.0);
        let a = {
            let k = same(5.0);
            x * k
        };
        a + x * x * k
    }
    expect!((1.5) => 5.0 + 6.0);
}

#[test]
fn items_of_blocks_hide_those_outside() {
    const K: f64 = 3.0;
    #[gradient]
    fn f(x: f64) -> f64 {
        let a = {
            const K: f64 = 2.0;
            x * K
        };
        let b = {
            const K: f64 = 5.0;
            x * x * K
        };
        a + b + x * x * x * K
    }
    expect!((1.5) => 2.0 + 15.0 + 9.0 * 1.5 * 1.5);
}

#[test]
fn a_length_is_that_of_the_vector_of_that_name_at_that_place() {
    #[gradient]
    fn f(x: &DVector<f64>) -> f64 {
        let n = x.len();
        let a = x.sum() / n as f64 + x.sum() / x.len() as f64;
        let x = x.rows(0, 2);
        let n = x.len();
        a + x.sum() / n as f64 + x.sum() / x.len() as f64
    }
    let x = DVector::from_vec(vec![0.3, -1.1, 0.9, 1.4, -0.2]);
    expect!((&x) => DVector::from_vec(vec![1.4, 1.4, 0.4, 0.4, 0.4]));
}

#[test]
fn a_length_inside_a_block_is_that_of_the_block() {
    #[gradient]
    fn f(x: &Vector3<f64>) -> f64 {
        let y = x.fixed_rows::<2>(0).into_owned();
        let a = {
            let x = y;
            x.sum() / x.len() as f64
        };
        a + x.sum() / x.len() as f64
    }
    let third = 1.0 / 3.0;
    expect!((&Vector3::new(0.3, -1.1, 0.9)) => Vector3::new(0.5 + third, 0.5 + third, third));
}

#[test]
fn an_index_bound_again_is_another_index() {
    #[gradient]
    fn f(x: &Vector3<f64>) -> f64 {
        let i = 0;
        let a = {
            let i = 1;
            x[i]
        };
        let b = x[i];
        let i = 2;
        a * b * x[i]
    }
    let x = Vector3::new(0.3, -1.1, 0.9);
    expect!((&x) => Vector3::new(x[1] * x[2], x[0] * x[2], x[0] * x[1]));
}

#[test]
fn an_exponent_may_be_of_another_type_in_a_block() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let k = 2;
        let z = {
            let k = 3_usize;
            x * k as f64
        };
        let v = {
            let k = k + 1;
            x.powi(k)
        };
        z * k as f64 + v * x.powi(k)
    }
    let x: f64 = 1.3;
    expect!((x) => 6.0 + 5.0 * x.powi(4));
}

#[test]
fn a_constant_takes_the_name_of_a_parameter() {
    #[gradient(wrt(x))]
    fn f(x: f64, k: f64) -> f64 {
        let y = x * k;
        let x = k * 2.0;
        y * x
    }
    expect!((1.5, 2.5) => 2.0 * 2.5 * 2.5);
}

#[test]
fn parameters_exchange_their_names() {
    #[gradient]
    fn f(x: f64, y: f64) -> f64 {
        let (x, y) = (y, x);
        let (x, y) = (x * 2.0, y * x);
        let a = x;
        let x = y;
        let y = a;
        x * y
    }
    // (x·y) · 2y
    let (x, y) = (1.5, 0.7);
    expect!((x, y) => (2.0 * y * y, 4.0 * x * y));
}

#[test]
fn names_bound_again_in_branches() {
    #[gradient]
    fn f(x: f64, s: f64) -> f64 {
        let y = if s > 0.0 {
            let x = x * s;
            let t = x + 1.0;
            if t > 1.5 {
                let s = t * t;
                x * s
            } else {
                x * t
            }
        } else {
            let s = -s;
            x * s
        };
        y * x * s
    }
    // xs(xs + 1)² · xs, xs(xs + 1) · xs and −xs · xs.
    for (x, s) in [(1.5_f64, 0.7_f64), (0.3, 0.7), (1.5, -0.7)] {
        let u = x * s;
        let du = match (s > 0.0, u > 0.5) {
            (true, true) => 2.0 * u * (u + 1.0) * (2.0 * u + 1.0),
            (true, false) => 3.0 * u * u + 2.0 * u,
            (false, _) => -2.0 * u,
        };
        expect!((x, s) => (s * du, x * du));
    }
}

#[test]
fn a_closure_hides_what_is_outside() {
    #[gradient(wrt(x))]
    fn f(x: &Vector3<f64>, k: f64, config: &Config) -> f64 {
        let a = x.map(|v| {
            let k = config.a;
            v * k
        });
        let b = x.map(|x| {
            let k = k * 2.0;
            let k = k + 1.0;
            x * k
        });
        a.sum() * k + b.sum() * k
    }
    // 2k + (2k + 1)k
    expect!((&Vector3::new(0.3, -1.1, 0.9), 7.0, &CONFIG) => Vector3::repeat(14.0 + 105.0));
}

#[test]
fn the_inert_part_of_a_tuple_is_bound_by_its_pattern() {
    #[gradient(wrt(m))]
    fn f(m: f64, k: f64, config: &Config) -> f64 {
        let (k, y) = (config.a, m * k);
        let (p, q) = (k, y);
        p * q * k
    }
    expect!((1.5, 7.0, &CONFIG) => 28.0);
}

#[test]
fn a_tuple_bound_to_a_name_keeps_its_inert_part() {
    #[gradient(wrt(x))]
    fn f(x: f64, k: f64) -> f64 {
        let t = {
            let k = k * 2.0;
            (x, k)
        };
        let k = 100.0;
        t.0 * t.1 * k
    }
    expect!((1.5, 2.5) => 500.0);
}

/// A panic shows what a statement that is kept as it stands has read.
#[gradient]
fn f(x: f64, at: usize) -> f64 {
    let y = x * 2.0;
    assert!(at != 0, "y is {y}");
    let y = y + 1.0;
    assert!(at != 1, "y is {y}");
    let x = {
        let y = x * y;
        assert!(at != 2, "x is {x}, y is {y}");
        {
            let y = y + 0.5;
            assert!(at != 3, "y is {y}");
        }
        assert!(at != 4, "y is {}", y);
        y * y
    };
    assert!(at != 5, "x is {x}, y is {y}");
    x + y
}

#[test]
fn a_statement_kept_as_it_stands_reads_the_values_of_its_place() {
    let x = 1.5;
    panics!((x, 0) => "y is 3");
    panics!((x, 1) => "y is 4");
    panics!((x, 2) => "x is 1.5, y is 6");
    panics!((x, 3) => "y is 6.5");
    panics!((x, 4) => "y is 6");
    panics!((x, 5) => "x is 36, y is 4");
    // (2x² + x)² + 2x + 1
    expect!((x, 6) => 2.0 * (2.0 * x * x + x) * (4.0 * x + 1.0) + 2.0);
}

#[test]
fn a_part_behind_a_name_that_borrows_is_changed_and_no_more() {
    #[gradient]
    fn f(x: &Vector3<f64>) -> f64 {
        let mut p = *x;
        let q = &mut p;
        q.x *= 2.0;
        q[1] += q.x;
        *q *= 0.5;
        let mut tail = p.fixed_rows_mut::<2>(1);
        tail[0] = 3.0 * tail[1];
        tail *= 2.0;
        p.x + 10.0 * p.y + 100.0 * p.z
    }
    // x + 30 z + 100 z
    expect!((&Vector3::new(0.5, 2.0, 3.0)) => Vector3::new(1.0, 0.0, 130.0));
}

#[test]
fn entries_of_columns_that_are_gone_through() {
    #[gradient]
    fn f(x: &[f64]) -> f64 {
        let mut m = DMatrix::<f64>::zeros(2, x.len());
        for mut c in m.column_iter_mut() {
            c[0] += x[0];
            c[1] = c[0] * c[0];
        }
        let mut points = vec![Vector2::new(x[0], 1.0); x.len()];
        for p in points.iter_mut() {
            p.x += 1.0;
            p[1] *= p.x;
        }
        m.sum() + points[0].y
    }
    // n (x + x²) + x + 1
    expect!((&[3.0, 1.0]) => vec![2.0 * 7.0 + 1.0, 0.0]);
}
