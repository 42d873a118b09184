//! What the user has by references: items of lists, and parts of them, where functions are called with these.

use crate::oracle::panic_message;
use nalgebra::{SMatrix, SVector, Vector2};
use nalgrad::{check, differentiable, gradient, hessian, hvp, jvp};

#[differentiable]
fn squared(x: &Vector2<f64>) -> f64 {
    x.norm_squared()
}

#[differentiable]
fn moved(x: Vector2<f64>) -> f64 {
    x.x * x.y
}

#[differentiable]
fn sum_of_squares(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum()
}

#[differentiable]
fn cubed(x: &f64) -> f64 {
    x * x * x
}

#[test]
fn calls_by_parts_of_lists() {
    #[gradient]
    #[jvp]
    #[hvp]
    fn f(x: &[f64]) -> f64 {
        let mut total = 0.0;
        for w in x.windows(2) {
            total += sum_of_squares(w) * w[0];
        }
        for c in x.chunks(2) {
            total += sum_of_squares(c);
        }
        if let [a, rest @ ..] = x {
            total += a * sum_of_squares(rest);
        }
        let (l, r) = x.split_at(1);
        let Some((last, before)) = x.split_last() else {
            return 0.0;
        };
        let part = &x[1..];
        total + sum_of_squares(l) * sum_of_squares(r) + last * sum_of_squares(before)
            - sum_of_squares(part)
    }
    let x = [0.5, 2.0, -1.0];
    check::gradient(|x| f(x), &x[..], &f_gradient(&x)).unwrap();
    assert_eq!(f_hvp(&[0.5], &[1.0]).1, [2.0]);
    assert_eq!(f_jvp(&[0.5], &[1.0]).1, f_gradient(&[0.5])[0]);
}

#[test]
fn calls_by_elements_behind_references() {
    #[gradient]
    fn f(points: &[Vector2<f64>]) -> f64 {
        let mut total = 0.0;
        let mut own = vec![Vector2::zeros(); points.len()];
        for (i, p) in points.iter().enumerate() {
            total += squared(p) * moved(*p);
            own[i] = p * total;
            total += squared(&own[i]) + moved(own[i]);
        }
        for p in &own {
            total += squared(p) - moved(*p);
        }
        if let [a, .., b] = points {
            total += squared(a) * moved(*b);
        }
        if let [.., b] = &own[..] {
            total += squared(b);
        }
        let Some(first) = points.first() else {
            return total;
        };
        let last = points.last().unwrap();
        total + squared(first) * squared(last)
    }
    let points = |x: &[f64]| -> Vec<Vector2<f64>> {
        let pairs = x.chunks(2);
        pairs.map(Vector2::from_column_slice).collect()
    };
    let x = [0.5, 0.2, -0.3, 0.7, 0.1, 0.4];
    let gradient = f_gradient(&points(&x));
    let gradient: Vec<f64> = gradient.iter().flat_map(|g| [g.x, g.y]).collect();
    check::gradient(|x| f(&points(x)), &x[..], &gradient).unwrap();
    assert!(f_gradient(&[]).is_empty());
}

#[test]
fn calls_by_numbers_behind_references() {
    #[gradient]
    fn f(x: &[f64]) -> f64 {
        let mut total = 0.0;
        for v in x {
            total += cubed(v) + cubed(&(v * 2.0));
        }
        if let [a, .., b] = x {
            total += cubed(a) * b;
        }
        let Some(first) = x.first() else {
            return total;
        };
        let largest = x.iter().max_by(|a, b| a.total_cmp(b)).unwrap();
        total + cubed(first) * cubed(largest)
    }
    let x = [0.5, 2.0, -1.0];
    check::gradient(|x| f(x), &x[..], &f_gradient(&x)).unwrap();
    assert_eq!(panic_message(|| f_gradient(&[])), None);
}

#[test]
fn an_alias_without_its_size() {
    #[gradient]
    #[hessian]
    fn f<const N: usize>(x: &SVector<f64, N>) -> f64 {
        let m: SMatrix<f64, N, N> = x * x.transpose() + SMatrix::identity();
        let r = x + SVector::repeat(0.5);
        x.dot(&(m * r))
    }
    let x = Vector2::new(0.5, -1.0);
    check::gradient(f, &x, &f_gradient(&x)).unwrap();
    assert_eq!(f_hessian(&SVector::<f64, 1>::new(0.5))[0], 6.5);
}
