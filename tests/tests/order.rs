//! Third and fourth derivatives of calls: `order = 3` and `order = 4`, against differences of what is one order below.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope, vector};
use nalgebra::{DMatrix, DVector, RealField, Vector2};
use nalgrad::{differentiable, gradient, hessian, hvp, jvp};

/// That a function has this gradient, and that this gradient has this product with a direction.
fn check(
    f: impl Fn(&DVector<f64>) -> f64,
    hvp: impl Fn(&DVector<f64>, &DVector<f64>) -> (DVector<f64>, DVector<f64>),
    x: &DVector<f64>,
) {
    let d = DVector::from_fn(x.len(), |i, _| [0.7, -0.3, 0.5][i]);
    let (gradient, along) = hvp(x, &d);
    assert_close(gradient.dot(&d), slope(|t| f(&(x + &d * t))));
    for i in 0..x.len() {
        assert_close(along[i], slope(|t| hvp(&(x + &d * t), &d).0[i]));
    }
}

#[differentiable(order = 4)]
fn kernel(x: &DVector<f64>, s: f64) -> f64 {
    (x[0] * s).sin() * x[1] * x[1] + s * s * s * x[0] + x.norm_squared() * x.norm_squared()
}

#[differentiable(order = 4)]
fn field(x: &DVector<f64>) -> DVector<f64> {
    x.map(|e| e * e * e) * x[0] + x.component_mul(x)
}

#[differentiable(order = 4)]
#[gradient]
#[jvp]
#[hvp]
fn composed(x: &DVector<f64>, s: f64) -> f64 {
    let moved: DVector<f64> = field(x);
    kernel(&moved, s * x[1]) * x[0]
}

#[hvp]
fn of_gradient(x: &DVector<f64>, s: f64) -> f64 {
    let (g, h) = composed_gradient(x, s);
    g.norm_squared() + h * s
}

#[hvp]
fn of_tangent(x: &DVector<f64>, s: f64) -> f64 {
    let (_, d) = composed_jvp(x, s, x, 0.4);
    d * s
}

/// The tangents of tangents, and those of products with Hessians.
#[jvp]
fn of_both(x: &DVector<f64>, s: f64) -> f64 {
    let (_, d) = composed_jvp(x, s, x, s);
    let (_, (h, k)) = composed_hvp(x, s, x, 0.3);
    d * h.sum() + k
}

/// The fourth derivative of `field` and `kernel`.
#[gradient]
fn of_product(x: &DVector<f64>, s: f64) -> f64 {
    let (_, (h, k)) = composed_hvp(x, s, x, 0.3);
    h.norm_squared() + k
}

#[test]
fn derivatives_of_derivatives() {
    let p = vector(&[0.6, -0.4, 0.9]);
    let split = |p: &DVector<f64>| (vector(&[p[0], p[1]]), p[2]);
    let joined = |(a, b): (DVector<f64>, f64)| vector(&[a[0], a[1], b]);
    type Product = fn(&DVector<f64>, f64, &DVector<f64>, f64) -> Products;
    type Products = ((DVector<f64>, f64), (DVector<f64>, f64));
    type Value = fn(&DVector<f64>, f64) -> f64;
    let both: [(Value, Product); 2] =
        [(of_gradient, of_gradient_hvp), (of_tangent, of_tangent_hvp)];
    for (f, hvp) in both {
        let value = |p: &DVector<f64>| f(&split(p).0, split(p).1);
        let product = |p: &DVector<f64>, d: &DVector<f64>| {
            let ((x, s), (dx, ds)) = (split(p), split(d));
            let (gradient, along) = hvp(&x, s, &dx, ds);
            (joined(gradient), joined(along))
        };
        check(value, product, &p);
    }
    let d = vector(&[0.7, -0.3, 0.5]);
    let ((x, s), (dx, ds)) = (split(&p), split(&d));
    let along = |f: fn(&DVector<f64>, f64) -> f64| {
        slope(|t| {
            let (x, s) = split(&(&p + &d * t));
            f(&x, s)
        })
    };
    assert_close(of_both_jvp(&x, s, &dx, ds).1, along(of_both));
    assert_close(
        joined(of_product_gradient(&x, s)).dot(&d),
        along(of_product),
    );
}

// ---- in loops, in branches, entry by entry, optional ----

#[differentiable(order = 3)]
fn wave(x: f64) -> f64 {
    x.sin() * x * x
}

#[differentiable(order = 3)]
fn positive(x: &DVector<f64>) -> Option<f64> {
    if x[0] > 5.0 {
        return None;
    }
    Some(x.map(wave).sum() * x[1])
}

#[differentiable(order = 3)]
#[gradient]
fn many(x: &DVector<f64>) -> f64 {
    let mut total = x.map(|e| wave(e) * e).sum();
    let mut v = x.clone();
    for i in 0..x.len() {
        let moved: DVector<f64> = field(&v);
        if v[i] > 0.0 {
            v += moved * 0.1;
        } else {
            total += wave(v[i] * x[0]);
        }
    }
    total + v.norm_squared() + positive(&v).unwrap()
}

#[hvp]
fn of_many(x: &DVector<f64>) -> f64 {
    many_gradient(x).norm_squared()
}

#[test]
fn loops_and_branches() {
    let x = vector(&[0.6, -0.4, 0.9]);
    check(of_many, of_many_hvp, &x);
}

// ---- methods, generics, recursion ----

struct Spring {
    stiffness: f64,
}

impl Spring {
    #[differentiable(order = 3)]
    fn force(&self, x: &Vector2<f64>, t: f64) -> Vector2<f64> {
        x * (self.stiffness * x.norm_squared() * t.cos())
    }

    #[differentiable(order = 3)]
    #[gradient]
    fn power(&self, x: &Vector2<f64>, t: f64) -> f64 {
        let force: Vector2<f64> = self.force(x, t);
        force.dot(x) * force[0]
    }

    #[hessian]
    #[hvp]
    fn squared(&self, x: &Vector2<f64>, t: f64) -> f64 {
        let (g, h) = self.power_gradient(x, t);
        g.norm_squared() + h
    }
}

#[differentiable(order = 3)]
fn power<T: RealField + Copy>(x: T, n: usize) -> T {
    if n == 0 {
        T::one()
    } else {
        power(x, n - 1) * x.sin()
    }
}

#[differentiable(order = 3)]
#[gradient]
fn slanted<T: RealField + Copy>(x: T) -> T {
    power(x, 4) * x
}

#[hessian]
fn of_slanted(x: f64) -> f64 {
    slanted_gradient(x) * x
}

#[test]
fn methods_and_generics() {
    let spring = Spring { stiffness: 1.7 };
    let value = |p: &DVector<f64>| spring.squared(&Vector2::new(p[0], p[1]), p[2]);
    let product = |p: &DVector<f64>, d: &DVector<f64>| {
        let x = Vector2::new(p[0], p[1]);
        let ((g, h), (dg, dh)) = spring.squared_hvp(&x, p[2], &Vector2::new(d[0], d[1]), d[2]);
        (vector(&[g[0], g[1], h]), vector(&[dg[0], dg[1], dh]))
    };
    let p = vector(&[0.6, -0.4, 0.9]);
    check(value, product, &p);
    let ((xx, xt), (_, tt)) = spring.squared_hessian(&Vector2::new(0.6, -0.4), 0.9);
    let full = DMatrix::from_row_slice(
        3,
        3,
        &[
            xx[(0, 0)],
            xx[(0, 1)],
            xt[0],
            xx[(1, 0)],
            xx[(1, 1)],
            xt[1],
            xt[0],
            xt[1],
            tt,
        ],
    );
    let d = vector(&[0.7, -0.3, 0.5]);
    let along = product(&p, &d).1;
    (0..3).for_each(|i| assert_close((&full * &d)[i], along[i]));

    let (value, gradient, hessian) = of_slanted_value_gradient_and_hessian(0.8);
    assert_close(value, of_slanted(0.8));
    assert_close(gradient, slope(|t| of_slanted(0.8 + t)));
    let gradient = |x| of_slanted_value_gradient_and_hessian(x).1;
    assert_close(hessian, slope(|t| gradient(0.8 + t)));
}
