//! Functions that were refused without need, or whose companions did not compile.

use crate::{CONFIG, Config};
use nalgebra::{DMatrix, DVector, Vector2, Vector3, Vector4, matrix, vector};
use nalgrad::gradient;
use std::f64::consts::PI;

fn fine(_: f64) -> bool {
    true
}

#[test]
fn an_if_inside_a_condition() {
    #[gradient]
    fn f(p: f64) -> f64 {
        let limit = if p > 0.3 { p * p } else { p };
        if 2.0 >= (if limit <= 0.5 { p } else { 3.0 * p }) {
            p * p
        } else {
            -p
        }
    }
    expect!((0.6) => 1.2);
    expect!((0.2) => 0.4);
    expect!((0.9) => -1.0);
}

#[test]
fn an_if_inside_the_condition_of_an_else_if() {
    #[gradient]
    fn f(x: f64, y: f64) -> f64 {
        let e = if x < y {
            y
        } else if x * x > (if y > 2.0 { x } else { y }) {
            x
        } else {
            y * x
        };
        assert!(e < 100.0);
        e
    }
    expect!((0.3, 0.5) => (0.0, 1.0));
    expect!((0.8, 0.5) => (1.0, 0.0));
    expect!((0.6, 0.5) => (0.5, 0.6));
}

#[test]
fn an_if_inside_a_closure() {
    #[gradient]
    fn f(a: &Vector2<f64>) -> f64 {
        let c = a.map(|v| if v > 0.5 { v } else { 0.8 });
        let d = a.map(|v| (if v > 0.5 { v } else { 0.8 }) * (if v > 0.3 { v } else { 0.8 }));
        c.map(|v| v * v).sum() + d.sum()
    }
    expect!((&Vector2::new(0.7, 0.4)) => Vector2::new(2.8, 0.8));
    expect!((&Vector2::new(0.2, 0.6)) => Vector2::new(0.0, 2.4));
}

#[test]
fn an_if_inside_a_condition_inside_a_closure() {
    #[gradient]
    fn f(p: f64) -> f64 {
        DMatrix::<f64>::from_element(2, 2, p)
            .map(|x| {
                if 2.0 >= (if p <= x { p } else { 3.0 }) {
                    x * x
                } else {
                    -x
                }
            })
            .sum()
    }
    expect!((0.5) => 4.0);
    expect!((2.5) => -4.0);
}

#[test]
fn a_branch_with_a_field_of_a_struct_and_a_field_after_it() {
    #[gradient]
    fn f(w: f64, config: &Config) -> f64 {
        let v = if w > 0.0 { w * config.a } else { w };
        v * config.a
    }
    expect!((1.5, &CONFIG) => 4.0);
    expect!((-1.5, &CONFIG) => 2.0);
}

#[test]
fn a_branch_whose_sides_are_the_same_value() {
    #[gradient]
    fn f(x: f64) -> f64 {
        let y = if x > 0.0 {
            x
        } else {
            assert!(fine(2.0));
            x
        };
        let z = if x > 0.0 {
            let _k = fine(2.0);
            y
        } else {
            y
        };
        z
    }
    expect!((1.5) => 1.0);
    expect!((-1.5) => 1.0);
}

#[test]
fn a_constant_of_a_literal_in_a_closure() {
    #[gradient]
    fn f(x: &Vector3<f64>, n: usize) -> f64 {
        x.map(|v| v * ((3 / 2) as f64) + v * (n as f64).sqrt() + v / 4.0_f64.log2())
            .sum()
    }
    expect!((&Vector3::new(0.3, -1.1, 0.9), 9) => Vector3::repeat(1.0 + 3.0 + 0.5));
}

#[test]
fn a_fold_that_does_not_read_its_entries() {
    #[gradient]
    fn f(w: &DVector<f64>, a: f64) -> f64 {
        let least = w.min();
        w.fold(0.0, |sum, _| least + sum) + w.fold(0.0, |sum, _| sum - a) + w.map(|_| a * a).sum()
    }
    let w = DVector::from_vec(vec![0.3, -1.1, 0.9]);
    expect!((&w, 0.7) => (DVector::from_vec(vec![0.0, 3.0, 0.0]), -3.0 + 4.2));
}

#[test]
fn a_fold_from_a_number_with_a_factor_of_outside() {
    #[gradient]
    fn f(m: Vector4<f64>, y: f64) -> f64 {
        m.fold(1.5, |sum, v| sum + v * y) * y + m.min() + m[2] * m.norm_squared()
    }
    let (m, y) = (Vector4::new(0.3, -1.1, 0.9, 1.4), 0.7);
    let dm =
        Vector4::repeat(y * y) + Vector4::y() + m * 2.0 * m[2] + Vector4::z() * m.norm_squared();
    expect!((m, y) => (dm, 1.5 + 2.0 * m.sum() * y));
}

#[test]
fn a_cast_of_an_active_value_to_an_integer() {
    #[gradient]
    fn f(x: &Vector3<f64>, y: f64) -> f64 {
        let a = x.map(|v| v * v).sum() as i64 as f64;
        let b = y.powf(2.0) as i64 as f64 + y.max(2.0).tanh() as i64 as f64;
        let c = vector![y, y].x as i32;
        let d = (if y > 0.0 { y } else { y * y }) as i32 as f64 + f64::max(y, 1.0) as i32 as f64;
        (a + b + f64::from(c) + d) * y + x.sum()
    }
    // 2 + 2 + 0 + 1 + 1 + 1
    expect!((&Vector3::new(0.3, -1.1, 0.9), 1.5) => (Vector3::repeat(1.0), 7.0));
}

#[test]
fn entries_of_a_matrix_that_are_inert_or_integers() {
    #[gradient]
    fn f(x: f64, n: usize) -> f64 {
        let y = matrix![x as i64 as f64, ((n + 1) as f64).fract(); 3.5_f64.fract(), x];
        let z = Vector2::new(x as i64 as f64, x);
        y.tr_mul(&y).trace() + z.sum()
    }
    expect!((1.5, 2) => 2.0 * 1.5 + 1.0);
}

#[test]
fn a_constant_of_a_path_in_a_tuple() {
    #[gradient]
    fn f(m: f64) -> f64 {
        let (t, y) = (PI, m);
        let n = matrix![m; { let (a, b) = (m, PI); a * b }];
        t * y - n[(1, 0)] * 2.0
    }
    expect!((1.5) => -PI);
}

#[test]
fn a_constant_result_of_an_active_tuple() {
    #[gradient]
    fn f(m: f64) -> f64 {
        let e = m;
        let (t, _y) = (PI, e);
        t
    }
    expect!((1.5) => 0.0);
}

#[test]
fn an_alias_of_a_parameter_is_read_by_an_assertion() {
    #[gradient]
    fn f(y: f64, x: &DVector<f64>) -> f64 {
        let e = y;
        let v = x * e.abs().recip();
        assert!(e * e > 0.0);
        v.sum() + e
    }
    let (y, x) = (0.5, DVector::from_vec(vec![0.3, -1.1, 0.9]));
    expect!((y, &x) => (1.0 - x.sum() / (y * y), DVector::from_element(3, 2.0)));
}

#[test]
fn an_inverse_that_nobody_reads() {
    #[gradient]
    fn f(x: &DMatrix<f64>) -> f64 {
        let b = x * x.transpose();
        b.clone().lu().try_inverse().unwrap();
        let _unread = b.lu().try_inverse().unwrap();
        x.norm_squared()
    }
    let x = DMatrix::from_row_slice(2, 2, &[0.3, -1.1, 0.9, 1.4]);
    expect!((&x) => &x * 2.0);
}

#[test]
fn a_vector_of_one_number_is_read_as_a_number_of_its_type() {
    #[gradient]
    fn f(x: &Vector3<f64>) -> f64 {
        Vector3::repeat(-2.0).zip_map(x, f64::hypot).sum()
            + Vector3::zeros().zip_map(x, f64::max).sum()
    }
    let x = Vector3::new(0.5, -1.0, 3.0);
    expect!((&x) => x.map(|x: f64| x / x.hypot(2.0) + if x > 0.0 { 1.0 } else { 0.0 }));
}

/// The minus sign of a quotient that begins with a cast went to the integer: `-k as f64 / 0.5`.
mod negated_cast {
    use super::*;

    #[gradient]
    fn f(x: f64) -> f64 {
        let mut s = x * x;
        for k in 1..4_usize {
            let half: f64 = 0.5;
            s -= (k as f64) / half;
        }
        s
    }

    #[test]
    fn is_negated_as_a_whole() {
        expect!((1.5) => 3.0);
    }
}
