//! Small programs of everything at once: each companion against differences, and the value bit for bit.

#![allow(
    unused,
    clippy::all,
    reason = "written as programs are, not as tests are"
)]

mod common;
use common::{slope, vector};
use nalgebra::{DMatrix, DVector, Matrix3, SVector, Vector2, Vector3};
use nalgrad::*;

macro_rules! check {
    ($($name:ident $grad:ident $hvp:ident $vag:ident $jvp:ident $vjp:ident;)*) => {
        #[test]
        fn all() {
            $(
            for (x, y) in [(0.4, 1.3), (1.4, 0.3), (0.2, -0.7), (-2.0, -0.7), (2.5, 2.0)] {
                let at = |t: f64| $name(x + 0.3 * t, y - 0.8 * t);
                let (v, (a, b)) = $vag(x, y);
                assert_eq!(v.to_bits(), $name(x, y).to_bits(), "{} value at {x} {y}", stringify!($name));
                let (a2, b2) = $grad(x, y);
                let close = |p: f64, q: f64| (p - q).abs() <= 1e-8 * (1.0 + p.abs().max(q.abs()));
                assert!(close(a, a2) && close(b, b2), "{} grads differ at {x} {y}: {a} {a2} {b} {b2}", stringify!($name));
                let s = slope(at);
                assert!(close(0.3 * a - 0.8 * b, s), "{} gradient at {x} {y}: {} {}", stringify!($name), 0.3 * a - 0.8 * b, s);
                assert!(close($jvp(x, y, 0.3, -0.8).1, s), "{} jvp at {x} {y}", stringify!($name));
                let (pa, pb) = $vjp(x, y).1(2.0);
                assert!(close(pa, 2.0 * a) && close(pb, 2.0 * b), "{} vjp at {x} {y}", stringify!($name));
                let ga = slope(|t: f64| $grad(x + 0.3 * t, y - 0.8 * t).0);
                let gb = slope(|t: f64| $grad(x + 0.3 * t, y - 0.8 * t).1);
                let (_, (ha, hb)) = $hvp(x, y, 0.3, -0.8);
                let close = |p: f64, q: f64| (p - q).abs() <= 1e-6 * (1.0 + p.abs().max(q.abs()));
                assert!(close(ha, ga) && close(hb, gb), "{} hvp at {x} {y}: {ha} {ga} {hb} {gb}", stringify!($name));
            }
            )*
        }
    };
}
check! {
    a1 a1_gradient a1_hvp a1_value_and_gradient a1_jvp a1_vjp;
    a2 a2_gradient a2_hvp a2_value_and_gradient a2_jvp a2_vjp;
    a3 a3_gradient a3_hvp a3_value_and_gradient a3_jvp a3_vjp;
    a4 a4_gradient a4_hvp a4_value_and_gradient a4_jvp a4_vjp;
    a5 a5_gradient a5_hvp a5_value_and_gradient a5_jvp a5_vjp;
    a6 a6_gradient a6_hvp a6_value_and_gradient a6_jvp a6_vjp;
    a7 a7_gradient a7_hvp a7_value_and_gradient a7_jvp a7_vjp;
    a8 a8_gradient a8_hvp a8_value_and_gradient a8_jvp a8_vjp;
    a9 a9_gradient a9_hvp a9_value_and_gradient a9_jvp a9_vjp;
    b1 b1_gradient b1_hvp b1_value_and_gradient b1_jvp b1_vjp;
    b2 b2_gradient b2_hvp b2_value_and_gradient b2_jvp b2_vjp;
    b3 b3_gradient b3_hvp b3_value_and_gradient b3_jvp b3_vjp;
    b4 b4_gradient b4_hvp b4_value_and_gradient b4_jvp b4_vjp;
    b5 b5_gradient b5_hvp b5_value_and_gradient b5_jvp b5_vjp;
    b6 b6_gradient b6_hvp b6_value_and_gradient b6_jvp b6_vjp;
}

#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a1(x: f64, y: f64) -> f64 {
    let mut a = x;
    let mut b = y;
    let c = a;
    a = b * b;
    b = c + a;
    if a > b {
        let t = a;
        a = b;
        b = t * 2.0;
    }
    if b > 1.0 {
        return a.sin() * b;
    }
    let v = Vector2::new(a, b);
    let mut w = v * x;
    w += v;
    w.norm_squared() + a
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a2(x: f64, y: f64) -> f64 {
    let mut s = 0.0;
    let mut n = 0;
    if x > 0.0 {
        s += x * y;
        n += 1;
    }
    if y > 0.0 {
        s += y * y;
        n += 2;
    }
    if n == 0 {
        return x;
    }
    s / n as f64
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a3(x: f64, y: f64) -> f64 {
    let mut best = x;
    let mut idx = 0;
    if y > best {
        best = y;
        idx = 1;
    }
    let k = [2.0, 3.0][idx];
    best * k + x * y
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a4(x: f64, y: f64) -> f64 {
    let data = [1.0, 2.0, -0.5];
    let mut total = 0.0;
    for i in 0..3 {
        let d = data[i];
        total += 1.0;
    }
    let mut s = total * x;
    let mut log = Vec::new();
    log.push(total);
    s *= log[0];
    s + y.exp() * s
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a5(x: f64, y: f64) -> f64 {
    let v = SVector::<f64, 4>::new(x, y, x * y, 1.0);
    let mut s = x;
    for i in 0..4 {
        s += v[i] * v[i] * (i as f64 + 1.0);
    }
    for i in 1..4 {
        s -= (v[i] - v[i - 1]).powi(3);
    }
    s
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a6(x: f64, y: f64) -> f64 {
    let v = Vector3::new(x, y, x - y);
    let s: f64 = v
        .iter()
        .zip(v.iter().enumerate())
        .map(|(a, (i, b))| a * b * i as f64)
        .sum();
    let t = (1..3)
        .map(|i| {
            let q = v[i] * v[i - 1];
            q.tanh()
        })
        .sum::<f64>();
    s * t + v.iter().fold(0.5, |acc, e| acc + e.exp())
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a7(x: f64, y: f64) -> f64 {
    let mut m = Matrix3::new(x + 4.0, 0.1, y, 0.2, 3.0, x, 0.1, y, 5.0);
    m *= 2.0;
    if x > y {
        m = m * m.transpose();
    }
    let mut acc = m.determinant().abs().ln();
    if acc > 4.0 {
        acc -= m.trace();
    } else {
        acc *= y;
    }
    acc
}
#[differentiable]
fn helper(a: f64, b: f64) -> f64 {
    if a > b {
        return a * b;
    }
    let mut r = a;
    r += b * b;
    r.sin()
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a8(x: f64, y: f64) -> f64 {
    let mut s = helper(x, y);
    if s > 0.2 {
        s += helper(y, x) * x;
    } else {
        s = helper(s, y);
    }
    let v = Vector2::new(x, y);
    s + v.map(|e| helper(e, 0.7)).sum()
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn a9(x: f64, y: f64) -> f64 {
    let r = {
        let mut q = x;
        if y > 0.0 {
            q *= y;
        }
        q
    };
    let z = if r > 1.0 {
        let mut k = r;
        k += x;
        k * k
    } else if r < -1.0 {
        r * y
    } else {
        r
    };
    z * y
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn b1(x: f64, y: f64) -> f64 {
    let mut s = 1.0;
    if x > 0.0 {
        if y > 0.0 {
            s *= x;
        } else {
            s += y;
        }
        s *= 2.0;
    } else if y > 0.0 {
        s -= x * y;
    }
    let t = s;
    s = s * s - t;
    if t > 1.0 {
        s = t;
    }
    s + x
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn b2(x: f64, y: f64) -> f64 {
    let (mut a, mut b) = (x, y);
    if a > b {
        (a, b) = (b, a);
    }
    a * a + b
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn b3(x: f64, y: f64) -> f64 {
    let n = 4;
    let mut s = y;
    for k in 0..=n {
        s += x.sin() * k as f64 + if k > 2 { y * y } else { x };
    }
    s
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn b4(x: f64, y: f64) -> f64 {
    let c = |a: f64| a * 2.0;
    let k = c(3.0);
    let mut s = 0.0;
    let mut t = k;
    t += 1.0;
    s += t * x;
    t *= y;
    s * t
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn b5(x: f64, y: f64) -> f64 {
    let d = DVector::from_vec(vec![x, y, x * y, 2.0]);
    let mut e = d.map(|v| {
        let mut q = v;
        if q > 1.0 {
            q = q * q;
        }
        q += 1.0;
        q
    });
    e -= &d * x;
    let mut total = 0.0;
    for i in 0..e.len() {
        let w = e[i];
        let z = w * d[e.len() - 1 - i];
        total -= z;
    }
    total
}
#[gradient]
#[hvp]
#[jvp]
#[vjp]
fn b6(x: f64, y: f64) -> f64 {
    let mut s = x;
    println!("{s}");
    s += y;
    assert!(s < 100.0, "s is {s}");
    let before = s;
    s *= s;
    debug_assert!(before <= 100.0);
    s - before
}
