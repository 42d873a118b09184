//! Structs as parameters, and the trait that makes them vectors.

#![allow(clippy::needless_range_loop, reason = "written as people write")]
#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{DMatrix, DVector, Matrix2, RealField, SMatrix, SVector, Vector2, Vector3, dvector};
use nalgrad::{Differentiable, differentiable, gradient, hessian, hvp, jacobian, jvp, vjp};

#[derive(Differentiable, Clone, Debug, PartialEq)]
struct Params {
    w: DMatrix<f64>,
    b: DVector<f64>,
    #[inert]
    name: String,
    rate: f64,
    inner: Inner,
    unused: Vec<Vector2<f64>>,
}

#[derive(Differentiable, Clone, Debug, PartialEq)]
struct Inner {
    point: Vector3<f64>,
    pair: (f64, [f64; 2]),
}

fn params() -> Params {
    Params {
        w: DMatrix::from_row_slice(2, 3, &[0.3, -0.8, 0.5, 1.2, 0.4, -0.7]),
        b: dvector![0.2, -0.5],
        name: "a".to_string(),
        rate: 0.7,
        inner: Inner {
            point: Vector3::new(0.1, 0.9, -0.4),
            pair: (1.3, [0.6, -0.2]),
        },
        unused: vec![Vector2::new(1.0, 2.0)],
    }
}

fn direction(p: &Params) -> Params {
    let entries = DVector::from_fn(p.len(), |i, _| (1.3 * i as f64 + 0.4).sin());
    p.with_vector(&entries)
}

fn moved(p: &Params, d: &Params, t: f64) -> Params {
    let mut p = p.clone();
    p.axpy(t, d);
    p
}

#[test]
fn a_struct_is_a_vector() {
    let p = params();
    assert_eq!(p.len(), 6 + 2 + 1 + 3 + 3 + 2);
    let v = p.to_vector();
    assert_eq!((v[0], v[1], v[6], v[8]), (0.3, 1.2, 0.2, 0.7));
    assert_eq!(
        v.rows(9, 8),
        dvector![0.1, 0.9, -0.4, 1.3, 0.6, -0.2, 1.0, 2.0]
    );
    assert_eq!(p.with_vector(&v), p);
    let zero = p.zeros_like();
    assert_eq!((zero.to_vector().amax(), &zero.name[..]), (0.0, "a"));
    let d = direction(&p);
    assert_close(p.dot(&d), v.dot(&d.to_vector()));
    let mut scaled = moved(&p, &d, 0.5);
    assert_close((scaled.to_vector() - &v - d.to_vector() * 0.5).norm(), 0.0);
    scaled.scale(2.0);
    assert_close((scaled.to_vector() - v * 2.0 - d.to_vector()).norm(), 0.0);
}

#[test]
#[should_panic(expected = "the vector has another number of entries")]
fn a_vector_of_another_length() {
    let _ = (1.0, [2.0]).with_vector(&dvector![1.0, 2.0, 3.0]);
}

/// Kinds by use, nested fields, a coordinate, a part of a tuple, an element.
#[gradient(wrt(p))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn cost(p: &Params, x: &DVector<f64>) -> f64 {
    let y = &p.w * x + &p.b;
    y.map(|y| y.tanh()).norm_squared() * p.rate.exp()
        + p.inner.pair.0 * p.inner.pair.1[1].sin()
        + p.inner.point.y.powi(3) * p.rate
}

#[test]
fn kinds_by_use() {
    let (p, x) = (params(), dvector![0.9, -0.4, 0.6]);
    let d = direction(&p);
    let value = cost(&p, &x);
    let gradient: Params = cost_gradient(&p, &x);
    assert_eq!(gradient.name, "a");
    assert_eq!(gradient.unused, [Vector2::zeros()]);
    assert_eq!(cost_value_and_gradient(&p, &x), (value, gradient.clone()));
    let along = slope(|t| cost(&moved(&p, &d, t), &x));
    assert_close(gradient.dot(&d), along);
    let (same, tangent) = cost_jvp(&p, &x, &d);
    assert_eq!(same, value);
    assert_close(tangent, along);
    let (same, pullback) = cost_vjp(&p, &x);
    assert_eq!(same, value);
    let pulled: Params = pullback(-2.0);
    assert_close(pulled.dot(&d), -2.0 * along);
    let jacobian: DMatrix<f64> = cost_jacobian(&p, &x);
    assert_eq!(jacobian.shape(), (1, 17));
    assert_close((jacobian.transpose() - gradient.to_vector()).norm(), 0.0);
    let hessian: DMatrix<f64> = cost_hessian(&p, &x);
    assert_eq!(hessian, hessian.transpose());
    let (first, product): (Params, Params) = cost_hvp(&p, &x, &d);
    assert_close((first.to_vector() - gradient.to_vector()).norm(), 0.0);
    let by_hessian = hessian * d.to_vector();
    for k in 0..17 {
        let numeric = slope(|t| cost_gradient(&moved(&p, &d, t), &x).to_vector()[k]);
        assert_close(product.to_vector()[k], numeric);
        assert_close(by_hessian[k], numeric);
    }
}

/// Patterns, `let`s with types, kept statements, by value.
#[gradient(wrt(p, x))]
#[vjp]
fn patterns(p: Params, x: &DVector<f64>) -> f64 {
    let Params {
        w,
        b: bias,
        rate,
        inner: Inner { point, .. },
        ..
    } = &p;
    let point: &Vector3<f64> = point;
    let name: &String = &p.name;
    assert!(*rate > 0.0, "{rate} of {name}");
    println!("{bias}");
    let n: usize = p.unused.len();
    (w * x - bias).norm() * rate.sin() + point.norm_squared() * n as f64 + point[1]
}

#[test]
fn by_patterns() {
    let (p, x) = (params(), dvector![0.9, -0.4, 0.6]);
    let d = direction(&p);
    let (gradient, dx): (Params, DVector<f64>) = patterns_gradient(p.clone(), &x);
    let along = slope(|t| patterns(moved(&p, &d, t), &x));
    assert_close(gradient.dot(&d), along);
    assert_close(
        dx[1],
        slope(|t| patterns(p.clone(), &(&x + dvector![0.0, t, 0.0]))),
    );
    let (value, pullback) = patterns_vjp(p.clone(), &x);
    assert_eq!(value, patterns(p, &x));
    assert_close(pullback(3.0).0.dot(&d), 3.0 * along);
}

/// `self`, a tuple struct, generics.
#[derive(Differentiable, Clone, Debug, PartialEq)]
struct Spring<T: RealField + Copy, const N: usize> {
    stiffness: T,
    rest: SVector<T, N>,
    #[inert]
    count: usize,
}

impl<T: RealField + Copy, const N: usize> Spring<T, N> {
    #[gradient(wrt(self, x))]
    #[jvp]
    #[vjp]
    #[hvp]
    fn energy(&self, x: &SVector<T, N>) -> T {
        let half: T = nalgebra::convert(0.5);
        half * self.stiffness * (x - self.rest).norm_squared()
    }
}

impl Spring<f64, 2> {
    const HALF: f64 = 0.5;

    #[gradient(wrt(self))]
    #[jacobian]
    fn force(self, x: f64) -> f64 {
        let rest: Vector2<f64> = self.rest;
        let n: usize = self.count;
        Self::HALF * self.stiffness * (x - rest.x) * n as f64
    }
}

#[test]
fn by_self() {
    let spring = Spring {
        stiffness: 3.0,
        rest: Vector2::new(0.5, -0.2),
        count: 2,
    };
    let x = Vector2::new(0.1, 0.7);
    let d = x - spring.rest;
    let (by_self, by_x): (Spring<f64, 2>, Vector2<f64>) = spring.energy_gradient(&x);
    assert_close(by_self.stiffness, 0.5 * d.norm_squared());
    assert_close((by_self.rest + d * 3.0).norm(), 0.0);
    assert_close((by_x - d * 3.0).norm(), 0.0);
    assert_eq!(by_self.count, 2);
    let (tangent, dx) = (by_self.clone(), Vector2::new(0.3, 0.4));
    let (value, along) = spring.energy_jvp(&x, &tangent, &dx);
    assert_eq!(value, spring.energy(&x));
    assert_close(along, by_self.dot(&tangent) + by_x.dot(&dx));
    let (again, pullback) = spring.energy_vjp(&x);
    assert_eq!(again, value);
    assert_eq!(pullback(1.0).0, by_self);
    let product = spring.energy_hvp(&x, &tangent, &dx).1;
    let numeric = slope(|t| {
        let mut at = spring.clone();
        at.axpy(t, &tangent);
        at.energy_gradient(&(x + dx * t)).0.stiffness
    });
    assert_close(product.0.stiffness, numeric);
    let single = Spring {
        stiffness: 3.0_f32,
        rest: SVector::<f32, 1>::new(0.5),
        count: 0,
    };
    assert_eq!(
        single
            .energy_gradient(&SVector::<f32, 1>::new(1.5))
            .0
            .stiffness,
        0.5
    );
    let force = spring.clone().force_gradient(2.0);
    assert_close(force.stiffness, 1.5);
    assert_close(force.rest.x, -3.0);
    let row: DMatrix<f64> = spring.clone().force_jacobian(2.0);
    assert_eq!(row.as_slice(), [1.5, -3.0, 0.0]);
}

#[derive(Differentiable, Clone)]
struct Weights(Matrix2<f64>, f64);

#[gradient(wrt(w))]
#[jvp]
fn scored(w: &Weights, x: &Vector2<f64>, positive: bool) -> f64 {
    let Weights(m, b) = w;
    let m: &Matrix2<f64> = m;
    if positive && w.1 > 0.0 {
        x.dot(&(m * x)) * b
    } else {
        b.sin()
    }
}

#[test]
fn tuple_structs_and_branches() {
    let w = Weights(Matrix2::new(0.3, -0.8, 0.5, 1.2), 0.4);
    let x = Vector2::new(0.9, -0.6);
    let on = scored_gradient(&w, &x, true);
    assert_close((on.0 - x * x.transpose() * 0.4).norm(), 0.0);
    assert_close(on.1, x.dot(&(w.0 * x)));
    let off = scored_gradient(&w, &x, false);
    assert_eq!(off.0, Matrix2::zeros());
    assert_close(off.1, 0.4_f64.cos());
    assert_close(scored_jvp(&w, &x, true, &w).1, 2.0 * scored(&w, &x, true));
}

/// Two structs, and results of several rows.
#[jacobian(wrt(a, b))]
#[vjp]
fn residual(a: &Weights, b: &Weights) -> Vector2<f64>
where
    Weights: Clone,
{
    Vector2::new(a.1 * b.1, a.1.sin())
}

#[gradient(wrt(a, b))]
#[hessian]
fn product(a: &Weights, b: &Weights) -> f64 {
    a.1 * a.1 * b.1 + b.0.m11 * a.1
}

#[test]
fn two_structs() {
    let (a, b) = (
        Weights(Matrix2::identity(), 0.4),
        Weights(Matrix2::identity(), 0.7),
    );
    let (by_a, by_b): (DMatrix<f64>, DMatrix<f64>) = residual_jacobian(&a, &b);
    assert_eq!((by_a.shape(), by_b.shape()), ((2, 5), (2, 5)));
    assert_close(by_a[(0, 4)], 0.7);
    assert_close(by_a[(1, 4)], 0.4_f64.cos());
    assert_close(by_b[(0, 4)], 0.4);
    assert_eq!(by_b[(1, 4)], 0.0);
    let (a_bar, b_bar) = residual_vjp(&a, &b).1(Vector2::new(1.0, 0.0));
    assert_eq!((a_bar.1, b_bar.1), (0.7, 0.4));
    let ((aa, ab), (ba, bb)) = product_hessian(&a, &b);
    let all: [DMatrix<f64>; 4] = [aa, ab, ba, bb];
    assert!(all.iter().all(|m| m.shape() == (5, 5)));
    assert_close(all[0][(4, 4)], 1.4);
    assert_close(all[1][(4, 4)], 0.8);
    assert_close(all[1][(4, 0)], 1.0);
    assert_eq!(all[1], all[2].transpose());
    assert_eq!(all[3], DMatrix::zeros(5, 5));
}

/// A struct in an `Option`, and with `?`.
#[derive(Differentiable, Clone, Debug)]
struct Model<T>
where
    T: RealField + Copy,
{
    scale: T,
    layers: Vec<Layer<T>>,
}

#[derive(Differentiable, Clone, Debug)]
struct Layer<T: RealField + Copy> {
    weights: DMatrix<T>,
}

#[gradient(wrt(model))]
fn deep<T: RealField + Copy>(model: &Model<T>, x: &DVector<T>) -> Option<T> {
    if x.is_empty() {
        return None;
    }
    let first: &DMatrix<T> = &model.layers[0].weights;
    let second: &DMatrix<T> = &model.layers[1].weights;
    let hidden = (first * x).map(|z| z.tanh());
    Some((second * hidden).sum() * model.scale)
}

#[test]
fn structs_in_lists() {
    let layer = |r, c, s: f64| Layer {
        weights: DMatrix::from_fn(r, c, |i, j| (s + (i + 2 * j) as f64).sin()),
    };
    let model = Model {
        scale: 0.8,
        layers: vec![layer(2, 3, 0.3), layer(1, 2, 0.9), layer(1, 1, 0.1)],
    };
    let x = dvector![0.3, 0.5, -0.9];
    let gradient = deep_gradient(&model, &x).unwrap();
    let d = model.with_vector(&DVector::from_fn(model.len(), |i, _| (i as f64).cos()));
    let at = |t: f64| {
        let mut model = model.clone();
        model.axpy(t, &d);
        deep(&model, &x).unwrap()
    };
    assert_close(gradient.dot(&d), slope(at));
    assert_eq!(gradient.layers[2].weights[(0, 0)], 0.0);
    assert!(deep_gradient(&model, &dvector![]).is_none());
}

/// Fields that are lists.
#[derive(Differentiable, Clone)]
struct Lists {
    knots: Vec<f64>,
    centers: [Vector3<f64>; 2],
    maps: Vec<DMatrix<f64>>,
    layer: Layer<f64>,
}

#[gradient(wrt(p))]
#[jacobian]
#[hvp]
fn of_lists(p: &Lists, i: usize) -> f64 {
    let knots: &[f64] = &p.knots;
    let centers: &[Vector3<f64>; 2] = &p.centers;
    let maps: &Vec<DMatrix<f64>> = &p.maps;
    let layer: &Layer<f64> = &p.layer;
    let w: &DMatrix<f64> = &layer.weights;
    let d = centers[0] - centers[i];
    knots[0] * knots[i].sin() * d.norm_squared() + (&maps[1] * w).norm_squared()
}

#[test]
fn lists_in_structs() {
    let p = Lists {
        knots: vec![0.3, 0.8, 0.1],
        centers: [Vector3::new(0.1, 0.5, -0.4), Vector3::new(-0.9, 0.2, 0.7)],
        maps: vec![DMatrix::zeros(1, 1), DMatrix::from_element(2, 2, 0.4)],
        layer: Layer {
            weights: DMatrix::from_row_slice(2, 1, &[0.6, -0.3]),
        },
    };
    let d = p.with_vector(&DVector::from_fn(p.len(), |i, _| (0.7 * i as f64).cos()));
    let at = |t: f64| {
        let mut p = p.clone();
        p.axpy(t, &d);
        p
    };
    let gradient = of_lists_gradient(&p, 1);
    assert_close(gradient.dot(&d), slope(|t| of_lists(&at(t), 1)));
    let row = of_lists_jacobian(&p, 1);
    assert_close((row.transpose() - gradient.to_vector()).norm(), 0.0);
    let product = of_lists_hvp(&p, 1, &d).1.to_vector();
    for k in 0..p.len() {
        assert_close(
            product[k],
            slope(|t| of_lists_gradient(&at(t), 1).to_vector()[k]),
        );
    }
}

/// Fields without a derivative, and calls.
#[derive(Differentiable, Clone)]
struct Pendulum {
    length: f64,
    damping: DVector<f64>,
    #[inert]
    gravity: f64,
    #[inert]
    power: i32,
    #[inert]
    flag: bool,
}

#[nalgrad::differentiable]
fn stretched(x: &DVector<f64>, by: f64) -> f64 {
    x.norm_squared() * by
}

#[gradient(wrt(p))]
#[jvp]
#[hvp]
fn swing(p: &Pendulum, x: f64) -> f64 {
    let gravity: f64 = nalgrad::stop_gradient(p.gravity);
    let power: i32 = p.power;
    let Pendulum { damping, .. } = p;
    let damping: &DVector<f64> = damping;
    let length = p.length * nalgrad::stop_gradient(p.gravity);
    let side = if p.flag { x.sin() } else { x.cos() };
    (gravity / p.length).sqrt().powi(power) * side + stretched(damping, p.length) * length
}

#[test]
fn fields_without_a_derivative() {
    let p = Pendulum {
        length: 0.8,
        damping: dvector![0.2, -0.5],
        gravity: 9.81,
        power: 3,
        flag: true,
    };
    let mut d = p.clone();
    d.damping = dvector![0.7, 0.4];
    let at = |t: f64| {
        let mut p = p.clone();
        p.axpy(t, &d);
        assert_eq!(p.gravity, 9.81);
        p
    };
    let gradient = swing_gradient(&p, 0.3);
    assert_eq!((gradient.gravity, gradient.power), (9.81, 3));
    let along = slope(|t| swing(&at(t), 0.3));
    assert_close(gradient.dot(&d), along);
    assert_close(swing_jvp(&p, 0.3, &d).1, along);
    let product = swing_hvp(&p, 0.3, &d).1;
    assert_close(
        product.length,
        slope(|t| swing_gradient(&at(t), 0.3).length),
    );
    assert_close(
        product.damping[1],
        slope(|t| swing_gradient(&at(t), 0.3).damping[1]),
    );
}

/// Inert fields of `self`: a reference to a factor of a matrix is a matrix.
struct Network {
    w: DMatrix<f64>,
    u: Matrix2<f64>,
    b: DVector<f64>,
    rate: f64,
}

impl Network {
    #[gradient]
    fn forward(&self, x: &DVector<f64>) -> f64 {
        (&self.w * x + &self.b).norm_squared() * self.rate
    }

    #[gradient]
    fn linear(&self, x: &DVector<f64>) -> f64 {
        (&self.w * x).norm_squared()
    }

    #[jacobian]
    fn turned(&self, x: &Vector2<f64>) -> Vector2<f64> {
        let u: &Matrix2<f64> = &self.u;
        u * x * self.rate
    }
}

#[test]
fn inert_fields() {
    let network = Network {
        w: DMatrix::from_row_slice(1, 2, &[0.3, -0.8]),
        u: Matrix2::new(1.0, 2.0, 3.0, 4.0),
        b: dvector![0.5],
        rate: 2.0,
    };
    let x = dvector![0.7, 0.4];
    let y = (&network.w * &x + &network.b)[0];
    let gradient = network.forward_gradient(&x);
    assert_close(gradient[0], 4.0 * y * 0.3);
    assert_close(network.linear_gradient(&x)[1], 2.0 * (y - 0.5) * -0.8);
    assert_eq!(network.turned_jacobian(&Vector2::zeros()), network.u * 2.0);
}

/// Variables that change, closures, conditions on fields.
#[gradient(wrt(p, x))]
#[hvp]
fn changing(p: &Pendulum, x: &DVector<f64>) -> f64 {
    let mut b = p.length;
    b += x[0];
    let mut c = p.length;
    if p.power > 2 && p.length > 0.1 {
        c *= b;
    }
    let y = x.map(|z| (z * p.length).sin() - c);
    if p.flag { y.sum() } else { b * c }
}

#[test]
fn variables_and_closures() {
    let x = dvector![0.7, -0.3];
    for (power, flag) in [(3, true), (3, false), (1, true), (1, false)] {
        let p = Pendulum {
            length: 0.8,
            damping: dvector![0.2],
            gravity: 9.81,
            power,
            flag,
        };
        let at = |t: f64| {
            let mut p = p.clone();
            p.length += t;
            p
        };
        let mut d = p.zeros_like();
        d.length = 1.0;
        let (p_bar, x_bar) = changing_gradient(&p, &x);
        assert_close(p_bar.length, slope(|t| changing(&at(t), &x)));
        assert_close(x_bar[0], slope(|t| changing(&p, &(&x + dvector![t, 0.0]))));
        let product = changing_hvp(&p, &x, &d, &x).1.0.length;
        let numeric = slope(|t| changing_gradient(&at(t), &(&x + &x * t)).0.length);
        assert_close(product, numeric);
    }
}

/// A tangent of another shape is noticed.
#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_tangent_of_another_shape() {
    let (p, x) = (params(), dvector![0.9, -0.4, 0.6]);
    let mut d = direction(&p);
    d.w = DMatrix::zeros(3, 2);
    cost_jvp(&p, &x, &d);
}

/// Aliases of nalgebra's types are known by a `let`, as ever.
type Alias = SMatrix<f64, 2, 2>;

#[gradient(wrt(m))]
fn aliased(m: &Alias) -> f64 {
    let m: &SMatrix<f64, 2, 2> = m;
    m.norm_squared()
}

#[test]
fn aliases() {
    let m = Alias::new(1.0, 2.0, 3.0, 4.0);
    assert_eq!(aliased_gradient(&m), m * 2.0);
}

/// Loops that carry a state read fields that are bound before, tuples and lists of numbers.
#[gradient(wrt(p, t, xs))]
#[hvp]
fn looped(p: &Pendulum, t: (f64, Vector2<f64>), xs: &[f64], n: usize) -> f64 {
    let length: f64 = p.length;
    let damping: &DVector<f64> = &p.damping;
    let mut s = t.0;
    for i in 0..n {
        s = (s * length + t.1.x).sin() + xs[i] * damping[1];
    }
    s
}

#[test]
fn loops() {
    let p = Pendulum {
        length: 0.8,
        damping: dvector![0.2, -0.5],
        gravity: 9.81,
        power: 3,
        flag: true,
    };
    let mut d = p.clone();
    d.damping = dvector![0.7, 0.4];
    let (t, dt) = (
        (0.3, Vector2::new(0.9, 0.1)),
        (-0.6, Vector2::new(0.2, 1.0)),
    );
    let (xs, dx) = ([0.5, -0.7, 1.1], [0.1, 0.9, -0.4]);
    let at = |s: f64| {
        let mut p = p.clone();
        p.axpy(s, &d);
        let t = (t.0 + s * dt.0, t.1 + dt.1 * s);
        (p, t, [0, 1, 2].map(|i| xs[i] + s * dx[i]))
    };
    let value = |s: f64| {
        let (p, t, xs) = at(s);
        looped(&p, t, &xs, 3)
    };
    let dot = |(p, t, xs): &(Pendulum, (f64, Vector2<f64>), Vec<f64>)| {
        let xs: f64 = xs.iter().zip(&dx).map(|(a, b)| a * b).sum();
        p.dot(&d) + t.0 * dt.0 + t.1.dot(&dt.1) + xs
    };
    assert_close(dot(&looped_gradient(&p, t, &xs, 3)), slope(value));
    let product = looped_hvp(&p, t, &xs, 3, &d, dt, &dx).1;
    let along = slope(|s| {
        let (p, t, xs) = at(s);
        dot(&looped_gradient(&p, t, &xs, 3))
    });
    assert_close(dot(&product), along);
}

/// Fields that are first read inside of loops: directly, behind other names, by a closure, in a loop in a loop, of a
/// struct in a struct, a list that its type tells, and how often the loop runs.
#[gradient(wrt(p))]
#[jacobian]
#[hessian]
#[hvp]
#[jvp]
#[vjp]
fn repeated(p: &Params, x: &DVector<f64>, n: usize) -> f64 {
    let inner = &p.inner;
    let damped = |s: f64| s * p.rate;
    let mut s = 0.1;
    for i in 0..n {
        let b: &DVector<f64> = &p.b;
        for j in 0..p.name.len() {
            s += damped(s + b[j]).sin() * inner.pair.0;
            if s > 0.4 {
                let unused: &Vec<Vector2<f64>> = &p.unused;
                s -= unused[0].x * p.inner.pair.1[1];
            }
        }
        s += (&p.w * x)[i].tanh();
    }
    s + p.rate
}

/// The only derivatives are those of a list that the loop reads.
#[gradient(wrt(p))]
#[hessian]
#[hvp]
#[jvp]
fn chained(p: &Series, n: usize) -> f64 {
    let mut s = 1.0;
    for i in 0..n {
        let terms: &[f64] = &p.terms;
        s += (s * terms[i]).sin();
    }
    s
}

#[derive(Differentiable, Clone)]
struct Series {
    terms: Vec<f64>,
}

#[test]
fn fields_that_only_loops_read() {
    let mut p = params();
    p.name = "ab".to_string();
    let x = dvector![0.9, -0.4, 0.6];
    let d = direction(&p);
    for n in 0..=2 {
        let value = repeated(&p, &x, n);
        let gradient = repeated_gradient(&p, &x, n);
        let along = slope(|t| repeated(&moved(&p, &d, t), &x, n));
        assert_close(gradient.dot(&d), along);
        let (same, tangent) = repeated_jvp(&p, &x, n, &d);
        assert_eq!(same, value);
        assert_close(tangent, along);
        assert_close(repeated_vjp(&p, &x, n).1(2.0).dot(&d), 2.0 * along);
        let jacobian = repeated_jacobian(&p, &x, n);
        assert_close((jacobian.transpose() - gradient.to_vector()).norm(), 0.0);
        let product = repeated_hvp(&p, &x, n, &d).1.to_vector();
        let by_hessian = repeated_hessian(&p, &x, n) * d.to_vector();
        for k in 0..17 {
            let numeric = slope(|t| repeated_gradient(&moved(&p, &d, t), &x, n).to_vector()[k]);
            assert_close(product[k], numeric);
            assert_close(by_hessian[k], numeric);
        }

        let terms = |t: f64| Series {
            terms: vec![0.7 + 0.3 * t, -0.4 + 0.9 * t],
        };
        let (series, moving) = (
            terms(0.0),
            Series {
                terms: vec![0.3, 0.9],
            },
        );
        let along = slope(|t| chained(&terms(t), n));
        assert_close(chained_gradient(&series, n).dot(&moving), along);
        assert_close(chained_jvp(&series, n, &moving).1, along);
        let second = slope(|t| chained_gradient(&terms(t), n).dot(&moving));
        assert_close(chained_hvp(&series, n, &moving).1.dot(&moving), second);
        let entries = moving.to_vector();
        assert_close(
            entries.dot(&(chained_hessian(&series, n) * &entries)),
            second,
        );
    }
}

// ---- the trait beside what arrays are ----

#[gradient]
fn centroid(points: &[Vector3<f64>; 4]) -> f64 {
    let mut sum = Vector3::zeros();
    for p in points {
        sum += p;
    }
    for i in 0..points.len() {
        sum += points[i] * 0.5;
    }
    (sum / points.len() as f64).norm_squared()
}

#[test]
fn arrays_have_the_length_that_they_have() {
    // With `Differentiable` in scope, `len` was the number of all entries.
    let points = [1.0, 2.0, 3.0, 4.0].map(|x| Vector3::new(x, -x, 0.5));
    assert_eq!(points.len(), 4);
    // sum / 4 = (3.75, −3.75, 0.75), by each point 2 · ⅜ of it
    let along = Vector3::new(2.8125, -2.8125, 0.5625);
    assert_eq!(centroid_gradient(&points), [along; 4]);
}

// ---- a recurrent cell: its products are read by both gradients of a pullback ----

#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Cell {
    wz: DMatrix<f64>,
    uz: DMatrix<f64>,
    wh: DMatrix<f64>,
    uh: DMatrix<f64>,
    #[inert]
    name: String,
}

impl Cell {
    #[differentiable(wrt(self, h))]
    fn step(&self, h: &DVector<f64>, x: &DVector<f64>) -> DVector<f64> {
        let (wz, uz): (&DMatrix<f64>, &DMatrix<f64>) = (&self.wz, &self.uz);
        let wh: &DMatrix<f64> = &self.wh;
        let uh: &DMatrix<f64> = &self.uh;
        let z = (wz * x + uz * h).map(|v| 1.0 / (1.0 + (-v).exp()));
        let candidate = (wh * x + uh * h).map(|v| v.tanh());
        z.component_mul(&candidate) + z.map(|v| 1.0 - v).component_mul(h)
    }

    #[gradient(wrt(self))]
    #[hvp]
    fn loss(&self, xs: &[DVector<f64>], target: &DVector<f64>) -> f64 {
        let mut h: DVector<f64> = DVector::zeros(target.len());
        for x in xs {
            h = self.step(&h, x);
        }
        (h - target).norm_squared()
    }
}

#[test]
fn a_recurrent_cell() {
    use nalgrad::check;
    let matrix =
        |s: f64, m, n| DMatrix::from_fn(m, n, |i, j| (s + 1.1 * i as f64 + 0.7 * j as f64).sin());
    let cell = Cell {
        wz: matrix(0.1, 2, 3),
        uz: matrix(0.4, 2, 2),
        wh: matrix(1.1, 2, 3),
        uh: matrix(2.0, 2, 2),
        name: "cell".into(),
    };
    let xs = [0.1, 0.5].map(|s| DVector::from_fn(3, |i, _| s - 0.3 * i as f64));
    let target = DVector::from_element(2, 0.3);
    let at = cell.to_vector();
    let value = |v: &DVector<f64>| cell.with_vector(v).loss(&xs, &target);
    let gradient = |v: &DVector<f64>| cell.with_vector(v).loss_gradient(&xs, &target).to_vector();
    check::gradient(value, &at, &gradient(&at)).unwrap();
    let hvp = |d: &DVector<f64>| {
        let (first, product) = cell.loss_hvp(&xs, &target, &cell.with_vector(d));
        assert_close((first.to_vector() - gradient(&at)).norm(), 0.0);
        (gradient(&at), product.to_vector())
    };
    check::jvp(gradient, &at, hvp).unwrap();
}
