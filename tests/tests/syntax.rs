//! The syntax of functions that people write, feature by feature, each in a small function that is accepted: the gradient
//! against finite differences. What is refused is in `ui/`.

#![allow(
    dead_code,
    unused_variables,
    clippy::assign_op_pattern,
    clippy::excessive_precision,
    clippy::explicit_counter_loop,
    clippy::let_and_return,
    clippy::manual_memcpy,
    clippy::needless_late_init,
    clippy::needless_range_loop,
    clippy::needless_return,
    clippy::toplevel_ref_arg,
    clippy::unnecessary_cast,
    clippy::useless_vec,
    reason = "written as people write"
)]

mod common;

use common::{assert_close, slope};
use nalgebra::{Matrix3, RealField, Vector2, Vector3, vector};
use nalgrad::{differentiable, gradient, hvp, jvp, vjp};

/// Checks all companions of a function of one vector.
macro_rules! check {
    ($name:ident: $f:ident, $value_and_gradient:ident, $gradient:ident, $jvp:ident, $vjp:ident, $hvp:ident) => {
        #[test]
        fn $name() {
            let v = Vector3::new(0.7, -0.4, 0.2);
            for x in [
                Vector3::new(0.7, 1.3, 2.1),
                Vector3::new(1.9, 0.4, 0.6),
                Vector3::new(0.3, 2.2, 1.4),
            ] {
                let (value, gradient) = $value_and_gradient(&x);
                assert_eq!(value.to_bits(), $f(&x).to_bits());
                let (_, along) = $hvp(&x, &v);
                let pulled = $vjp(&x).1(2.0);
                for k in 0..3 {
                    let moved = |t: f64| {
                        let mut y = x;
                        y[k] += t;
                        y
                    };
                    let slope_of_value = slope(|t| $f(&moved(t)));
                    assert_close(gradient[k], slope_of_value);
                    assert_close(pulled[k], 2.0 * slope_of_value);
                    assert_close(along[k], slope(|t| $gradient(&moved(t)).dot(&v)));
                }
                assert_close($jvp(&x, &v).1, gradient.dot(&v));
            }
        }
    };
}

const HALF: f64 = 0.5;

/// `let` with and without types, literals and suffixes, parentheses, `&`, unary minus, chains, constants, shadowing,
/// casts, `%`.
#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn expressions(x: &Vector3<f64>) -> f64 {
    const LOCAL: f64 = 1.25;
    use std::f64::consts::PI;
    let n: usize = 3;
    let a: f64 = -x[0] * 2f64 + (x[1] - 1.0_f64) / PI;
    let a = a * LOCAL + HALF;
    let _ = &a;
    let b = &(x * 2.0);
    let c = b.map(|v| v * v).normalize().transpose() * x;
    a.powi(2).abs().sqrt() + c[0] * n as f64 + x.z % 10.0 + f64::from(2_u8) * x.y
}

check!(expression: expressions, expressions_value_and_gradient, expressions_gradient, expressions_jvp, expressions_vjp, expressions_hvp);

/// Branches: `if` without `else`, `else if`, `match`, comparisons, `&&`, `||`, `!`, early return, deferred values.
#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn branches(x: &Vector3<f64>) -> f64 {
    if x[0] > 100.0 {
        return x[1];
    }
    let flag = true;
    let scale;
    if x[0] < 0.5 && x[1] > 1.0 || !flag {
        scale = x[2];
    } else if x[0] > 1.5 {
        scale = x[0] * x[1];
    } else {
        scale = 2.0;
    }
    let mut sum = x[0] * scale;
    if sum > 1.0 {
        sum += x[1];
    }
    let extra = match 3 {
        1 => x[0],
        2 | 3 if flag => x[1] * x[2],
        _ => 0.0,
    };
    assert!(sum.is_finite(), "{sum}");
    debug_assert!(scale > -100.0);
    return sum * sum + extra;
}

check!(branch: branches, branches_value_and_gradient, branches_gradient, branches_jvp, branches_vjp, branches_hvp);

/// Tuples, arrays, lists, patterns, blocks, `.0`, repeated arrays, slices.
#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn parts(x: &Vector3<f64>) -> f64 {
    let (a, b) = (x[0], x[1] * x[2]);
    let pair = (a * b, b);
    let [first, second] = [a, pair.0];
    let &factor = &2.0;
    let list = vec![a, b, first];
    let mut buffer = [0.0; 3];
    buffer[1] = list[0] * list[2];
    buffer[2] += second;
    let total = {
        let half = pair.1 / factor;
        half * half
    };
    let v = vector![a, b, total];
    v.dot(x) + buffer[1] + buffer[2]
}

check!(part: parts, parts_value_and_gradient, parts_gradient, parts_jvp, parts_vjp, parts_hvp);

/// Loops: over ranges, iterators, nested, `while`, `loop`, `break`, `continue`, `rev`, `step_by`, `enumerate`, `zip`.
#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn loops(x: &Vector3<f64>) -> f64 {
    let mut m = Matrix3::zeros();
    for i in 0..3 {
        for j in 0..3 {
            if i == j {
                continue;
            }
            m[(i, j)] = x[i] * x[j];
        }
    }
    let mut s = 0.0;
    for (i, v) in x.iter().enumerate() {
        s += v * m[(i, 0)] * (i as f64 + 1.0);
    }
    for (a, b) in x.iter().zip(x.iter()) {
        s += a * b;
    }
    for i in (0..3).rev().step_by(2) {
        s = s * 0.5 + x[i];
    }
    let mut n = 0;
    while n < 3 {
        s *= 1.0 + 0.1 * x[n];
        n += 1;
    }
    loop {
        s *= 0.7;
        if s < 1.0 {
            break;
        }
    }
    s
}

check!(looped: loops, loops_value_and_gradient, loops_gradient, loops_jvp, loops_vjp, loops_hvp);

/// Iterators that end in a value, closures with blocks and patterns, `move`.
#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn iterators(x: &Vector3<f64>) -> f64 {
    let a = x[0];
    let scaled = move |v: f64| {
        let twice = v * 2.0;
        twice * a
    };
    let squares: f64 = x.iter().map(|v| v * v).sum();
    let weighted = x
        .iter()
        .enumerate()
        .map(|(i, v)| scaled(*v) * i as f64)
        .sum::<f64>();
    let folded = x.iter().fold(1.0, |sum, v| sum + v * v * v);
    squares + weighted * folded
}

check!(iterator: iterators, iterators_value_and_gradient, iterators_gradient, iterators_jvp, iterators_vjp, iterators_hvp);

/// In place: `copy_from`, `fill`, `set_column`, `iter_mut`, `&mut`, compound assignments.
#[gradient]
#[jvp]
#[vjp]
#[hvp]
fn changes(x: &Vector3<f64>) -> f64 {
    let mut y = x.clone_owned();
    for v in y.iter_mut() {
        *v *= *v;
    }
    y[0] -= x[2];
    y.x /= 2.0;
    let mut m = Matrix3::zeros();
    m.set_column(1, &y);
    m.column_mut(0).copy_from(x);
    let mut row = m.row_mut(2);
    row.fill(x[1]);
    m.norm_squared() + y.sum()
}

check!(change: changes, changes_value_and_gradient, changes_gradient, changes_jvp, changes_vjp, changes_hvp);

/// Calls of free functions, of `Self::f` and of methods; fields of `self`, struct literals of what is inert, `Self` constants.
struct Camera {
    focal: f64,
    center: Vector2<f64>,
    lens: Lens,
}

struct Lens {
    k: f64,
}

#[differentiable]
fn square(v: f64) -> f64 {
    v * v
}

impl Camera {
    const SCALE: f64 = 1.5;

    #[differentiable(module = false)]
    fn bend(r: f64, k: f64) -> f64 {
        1.0 + k * r
    }

    #[gradient(wrt(x))]
    #[jvp]
    #[vjp]
    #[hvp]
    fn cost(&self, x: &Vector3<f64>) -> f64 {
        let lens = Lens { k: 0.3 };
        let Lens { k } = lens;
        let p = Vector2::new(x.x / x.z, x.y / x.z);
        let r = square(p.norm());
        let u = p * self.focal * Self::bend(r, self.lens.k + k) + self.center;
        u.norm_squared() * Self::SCALE
    }
}

fn camera() -> Camera {
    Camera {
        focal: 1.2,
        center: Vector2::new(0.1, -0.2),
        lens: Lens { k: 0.05 },
    }
}

#[test]
fn methods_and_calls() {
    let (c, x) = (camera(), Vector3::new(0.7, 1.3, 2.1));
    let gradient = c.cost_gradient(&x);
    for k in 0..3 {
        let moved = |t: f64| {
            let mut y = x;
            y[k] += t;
            y
        };
        assert_close(gradient[k], slope(|t| c.cost(&moved(t))));
        assert_close(c.cost_vjp(&x).1(2.0)[k], 2.0 * gradient[k]);
    }
    let v = Vector3::new(0.7, -0.4, 0.2);
    assert_close(c.cost_jvp(&x, &v).1, gradient.dot(&v));
    let along = slope(|t| c.cost_gradient(&(x + v * t))[1]);
    assert_close(c.cost_hvp(&x, &v).1[1], along);
}

/// Generic parameters, where clauses, const generics, turbofish, associated functions, `clone`, several parameters by value.
#[gradient]
fn generic<T, const N: usize>(x: nalgebra::SVector<T, N>, scale: T) -> T
where
    T: RealField + Copy,
{
    let two = T::from_f64(2.0).unwrap();
    let y = x.clone_owned();
    let mut s = T::zero();
    for i in 0..N {
        s += y[i] * y[i] * nalgebra::convert::<f64, T>(0.5);
    }
    s * scale.powi(2) + two * T::pi().sqrt() * scale
}

/// `Option`, `Result`, `?`, `if let`, `let … else`, `unwrap`, `expect`.
#[gradient(wrt(x))]
fn fallible(x: &Vector3<f64>, factor: Option<f64>) -> Result<f64, String> {
    if x[0] < 0.0 {
        return Err(format!("{} is negative", x[0]));
    }
    let Some(factor) = factor else {
        return Err("no factor".to_string());
    };
    let m = Matrix3::from_diagonal(x) * factor;
    let inverse = m.try_inverse().ok_or("singular")?;
    let extra = if let Some(v) = m.cholesky() {
        v.ln_determinant()
    } else {
        0.0
    };
    Ok((inverse * x).norm_squared() + extra)
}

/// Slices, `Vec`s, integers, conditions and mutable bindings as parameters.
#[gradient(wrt(values, rest, start))]
fn lists(values: &[f64], rest: Vec<f64>, n: usize, flag: bool, mut start: f64) -> f64 {
    for i in 0..n {
        start += values[i] * rest[i];
    }
    if flag { start * start } else { start }
}

#[test]
fn parameters() {
    let x = Vector2::new(0.7, 1.3);
    let (dx, ds) = generic_gradient(x, 1.4);
    assert_close(dx[0], slope(|t| generic(x + Vector2::new(t, 0.0), 1.4)));
    assert_close(ds, slope(|t| generic(x, 1.4 + t)));

    let x = Vector3::new(0.7, 1.3, 2.1);
    let gradient = fallible_gradient(&x, Some(1.5)).unwrap();
    for k in 0..3 {
        let moved = |t: f64| {
            let mut y = x;
            y[k] += t;
            y
        };
        assert_close(
            gradient[k],
            slope(|t| fallible(&moved(t), Some(1.5)).unwrap()),
        );
    }
    assert_eq!(fallible_gradient(&x, None), Err("no factor".to_string()));
    assert_eq!(
        fallible_gradient(&(-x), Some(1.0)),
        fallible(&(-x), Some(1.0)).map(|_| x)
    );

    let (values, rest) = ([0.7, 1.3], vec![2.1, -0.4]);
    for flag in [true, false] {
        let (dv, dr, ds) = lists_gradient(&values, rest.clone(), 2, flag, 0.3);
        let at = |k: usize, t: f64| {
            let (mut v, mut r) = (values, rest.clone());
            v[k] += t;
            let first = lists(&v, r.clone(), 2, flag, 0.3);
            r[k] += t;
            (first, lists(&values, r, 2, flag, 0.3))
        };
        for k in 0..2 {
            assert_close(dv[k], slope(|t| at(k, t).0));
            assert_close(dr[k], slope(|t| at(k, t).1));
        }
        assert_close(
            ds,
            slope(|t| lists(&values, rest.clone(), 2, flag, 0.3 + t)),
        );
    }
}
