//! Forms of syntax that people write: each in all attributes, against differences.

#![allow(
    dead_code,
    reason = "some functions are known by their companions only"
)]

mod common;
#[path = "common/three.rs"]
mod three;

use common::vector;
use nalgebra::{DMatrix, DVector, Matrix2, Matrix3, Matrix6, Vector3};
use nalgrad::{gradient, hessian, hvp, jacobian, jvp, vjp};
use three::{Companions, check};

macro_rules! forms {
    ($($name:ident($x:ident) { $($body:tt)* })*) => {$(
        #[test]
        #[allow(clippy::all, clippy::pedantic, reason = "written as people write")]
        fn $name() {
            #[gradient]
            #[jacobian]
            #[hessian]
            #[jvp]
            #[vjp]
            #[hvp]
            fn f($x: &Vector3<f64>) -> f64 { $($body)* }
            check(&Companions {
                f: &f,
                value_and_gradient: &f_value_and_gradient,
                jacobian: &f_jacobian,
                hessian: &f_hessian,
                jvp: &f_jvp,
                pulled_back: &|x, y_bar| f_vjp(x).1(y_bar),
                hvp: &f_hvp,
            });
        }
    )*};
}

// ---- In place: exchanges, rows and columns, products ----

forms! {
    swap_in_a_list(x) {
        let mut v = vec![x[0], x[1] * x[0], x[2]];
        v.swap(0, 2);
        v[0] * v[0] + v[1] * 3.0 + v[2].sin()
    }

    swap_in_a_filled_list(x) {
        let mut v = vec![0.0; 3];
        for i in 0..3 {
            v[i] = x[i] * x[i];
        }
        v.swap(0, 2);
        v[0] * v[0] + v[1] * 3.0 + v[2].sin()
    }

    swap_in_an_array(x) {
        let mut v = [x[0], x[1] * x[0], x[2]];
        v.swap(0, 2);
        v[0] * v[0] + v[1] * 3.0 + v[2].sin()
    }

    swap_loop(x) {
        let mut v = vec![0.0; 3];
        for i in 0..3 {
            v[i] = x[i] * x[i];
        }
        for i in 0..2 {
            v.swap(i, i + 1);
        }
        v[0] * v[0] + v[1] * 3.0 + v[2].sin()
    }

    swap_sort(x) {
        let mut v = *x;
        for i in 0..3 {
            for j in 0..2 - i.min(2) {
                if v[j] > v[j + 1] {
                    v.as_mut_slice().swap(j, j + 1);
                }
            }
        }
        v[0] * v[0] + v[1] * 3.0 + v[2].sin()
    }

    swap_entry(x) {
        let mut v = *x;
        v.swap((0, 0), (2, 0));
        v[0] * v[0] + v[1] * 3.0 + v[2].sin()
    }

    swap_rows(x) {
        let mut m = x * x.transpose();
        m[(0, 1)] = 3.0;
        m.swap_rows(0, 2);
        m[(0, 1)] * m[(2, 1)] + m[(2, 0)]
    }

    swap_columns(x) {
        let mut m = x * x.transpose();
        m[(0, 1)] = 3.0;
        for i in 0..2 {
            m.swap_columns(i, i + 1);
        }
        m[(0, 1)] * m[(2, 1)] + m[(2, 0)]
    }

    mem_swap(x) {
        let mut a = x[0];
        let mut b = x[1] * x[2];
        std::mem::swap(&mut a, &mut b);
        a.sin() * b + b
    }

    mem_swap_loop(x) {
        let mut a = *x;
        let mut b = x * 2.0;
        for i in 0..3 {
            b = a + b * x[i];
            std::mem::swap(&mut a, &mut b);
        }
        a.norm_squared() + b[0]
    }

    mem_swap_list(x) {
        let n = 3;
        let mut cur = vec![0.0; n];
        let mut next = vec![0.0; n];
        for i in 0..n {
            cur[i] = x[i];
        }
        for _ in 0..3 {
            for i in 0..n {
                next[i] = cur[i] * cur[(i + 1) % n];
            }
            std::mem::swap(&mut cur, &mut next);
        }
        cur[0] + cur[1] * cur[2]
    }

    mem_replace(x) {
        let mut a = x[0];
        let b = std::mem::replace(&mut a, x[1]);
        a.sin() * b + b
    }

    mem_take(x) {
        let mut a = x[0];
        let b = std::mem::take(&mut a);
        a.sin() * b + b * b
    }

    mem_swap_entries(x) {
        let mut v = *x;
        let mut t = x[0] * x[1];
        std::mem::swap(&mut v[1], &mut t);
        if t > 0.0 {
            let (mut a, mut b) = (t, v[0]);
            std::mem::swap(&mut a, &mut b);
            t = a * a * b;
        }
        v[1] * t + v[0] * v[2]
    }

    apply_block(x) {
        let mut y = *x;
        y.apply(|v| {
            let w = *v * 2.0;
            *v = w.sin() + *v;
        });
        y.norm_squared()
    }

    apply_if(x) {
        let mut y = *x;
        y.apply(|v| {
            if *v < 0.0 {
                *v = 0.1 * *v;
            }
        });
        y.norm_squared()
    }

    zip_apply(x) {
        let mut y = *x;
        y.zip_apply(&x.map(|v| v.sin()), |a, b| *a = *a * b + 1.0);
        y.norm_squared()
    }

    fill_diagonal(x) {
        let mut m = Matrix3::zeros();
        m.fill(x[0]);
        m.column_mut(1).fill(x[1]);
        m.fill_diagonal(x[2]);
        m.norm_squared() * m[(0, 1)]
    }

    fill_row(x) {
        let mut m = Matrix3::zeros();
        m.fill_row(0, x[0]);
        m.fill_column(1, x[1] * x[0]);
        m.set_diagonal(x);
        m.norm_squared() * m[(0, 1)]
    }

    copy_from_slice(x) {
        let mut v = vec![0.0; 3];
        v.copy_from_slice(x.as_slice());
        v[1] *= 2.0;
        v[0] * v[1] * v[2]
    }

    copy_from_slice2(x) {
        let mut v = vec![0.0; 6];
        v[3..].copy_from_slice(x.as_slice());
        v[4] *= 2.0;
        v[3] * v[4] * v[5]
    }

    normalize_mut_try(x) {
        let mut y = *x;
        y.normalize_mut();
        let mut z = x * 2.0;
        let n = z.normalize_mut();
        y.dot(&z) + n + y[0]
    }

    view_add(x) {
        let mut m = Matrix6::zeros();
        for i in 0..3 {
            let mut v = m.fixed_view_mut::<3, 3>(i, 3 - i);
            v += x * x.transpose();
        }
        m.norm_squared() * m[(0, 3)]
    }

    gemv(x) {
        let a = Matrix3::new(1.0, 2.0, 0.5, -1.0, 0.3, 0.2, 0.9, 0.1, -0.4);
        let mut y = x * 2.0;
        y.gemv(0.7, &a, x, 1.5);
        y.norm_squared()
    }

    gemv_active_mat(x) {
        let a = x * x.transpose();
        let mut y = Vector3::zeros();
        y.gemv(x[0], &a, x, 0.0);
        y.norm_squared()
    }

    gemv_tr(x) {
        let a = Matrix3::new(1.0, 2.0, 0.5, -1.0, 0.3, 0.2, 0.9, 0.1, -0.4);
        let mut y = x * 2.0;
        y.gemv_tr(0.7, &a, x, 1.5);
        y.norm_squared()
    }

    gemv_dyn(x) {
        let a = DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 0.5, -1.0, 0.3, 0.2]);
        let mut y = DVector::zeros(2);
        y.gemv(x[0], &a, x, 0.0);
        y.norm_squared()
    }

    gemm(x) {
        let a = Matrix3::new(1.0, 2.0, 0.5, -1.0, 0.3, 0.2, 0.9, 0.1, -0.4);
        let b = x * x.transpose();
        let mut y = Matrix3::identity();
        y.gemm(x[1], &a, &b, 0.5);
        y.norm_squared()
    }

    gemm_tr(x) {
        let a = Matrix3::new(1.0, 2.0, 0.5, -1.0, 0.3, 0.2, 0.9, 0.1, -0.4);
        let b = x * x.transpose();
        let mut y = Matrix3::identity();
        y.gemm_tr(x[1], &a, &b, 0.5);
        y.norm_squared()
    }

    ger(x) {
        let b = x.map(|v| v.sin());
        let mut y = Matrix3::identity();
        y.ger(x[1], x, &b, 0.5);
        y.norm_squared() * y[(0, 1)]
    }

    ger_loop(x) {
        let mut h = Matrix3::zeros();
        for k in 0..3 {
            let r = x * (k as f64 + 1.0);
            h.ger(1.0, &r, &r, 1.0);
        }
        h.determinant() + h.trace() * h[(0, 1)]
    }

    gemm_plain(x) {
        let a = x * x.transpose();
        let mut y = Matrix3::zeros();
        y.gemm(1.0, &a, &(&a * 2.0), 0.0);
        y.norm() * y[(0, 1)]
    }

    gemv_identity(x) {
        let mut y = x.clone_owned();
        y.gemv(2.0, &Matrix3::identity(), x, 1.0);
        y.norm_squared()
    }

    gemm_self(x) {
        let m = x * x.transpose();
        let mut y = m.clone_owned();
        y.gemm(2.0, &m, &m, 1.0);
        y.norm_squared()
    }

    swap_tuple(x) {
        let (mut a, mut b) = (x[0], x[0] * x[1]);
        std::mem::swap(&mut a, &mut b);
        a.sin() + b
    }
}

// ---- Lists: ranges of them, places that are computed, what is pushed ----

forms! {
    slice_of_rows(x) {
        let v = x.as_slice();
        let w = &v[1..];
        let u = &v[..2];
        w[0] * u[1] + w.iter().sum::<f64>() * v[1..3].iter().map(|a| a * a).sum::<f64>()
    }

    slice_dyn(x) {
        let v = x.as_slice();
        let k = 1;
        let n = 3;
        let w = &v[k..n];
        let u = &v[..n - 1];
        w[0] * u[1] + w.iter().sum::<f64>() * v[k..=2].iter().map(|a| a * a).sum::<f64>()
    }

    slice_loop(x) {
        let v = x.as_slice();
        let mut s = 1.0;
        for i in 0..3 {
            for a in &v[i..] {
                s = s * a + 1.0;
            }
            s += v[..i].iter().sum::<f64>();
        }
        s
    }

    list_at_an_index(x) {
        let v = [x[0], x[1] * x[0], x[2]];
        let w = vec![x[1], 2.0, x[0]];
        let mut s = 1.0;
        for i in 0..3 {
            s = s * v[i] + w[2 - i];
        }
        s
    }

    push_once(x) {
        let mut v = Vec::new();
        v.push(x[0]);
        v.push(x[1] * x[2]);
        v[0] * v[1] + v.len() as f64 * v[0]
    }

    push_of_a_vector(x) {
        let longer = x.push(x[0] * x[1]);
        let y = x * x[2];
        longer.norm_squared() + y.push(2.0).norm()
    }

    list_of_a_constant(x) {
        let n = x.len();
        let mut least = vec![f64::INFINITY; n];
        least[0] = x[0];
        for i in 1..n {
            least[i] = x[i] * x[0] + least[i].min(least[i - 1]);
        }
        least[n - 1]
    }

    push_loop(x) {
        let mut v = Vec::new();
        for i in 0..3 {
            v.push(x[i] * x[i]);
        }
        v[0] * v[1] + v[2]
    }

    push_loop_cap(x) {
        let mut v: Vec<f64> = Vec::with_capacity(3);
        for i in 0..x.len() {
            v.push(x[i] * x[i]);
        }
        v.iter().sum::<f64>() * v[1]
    }

    push_state(x) {
        let mut v = vec![x[0]];
        for i in 1..3 {
            let last = v[i - 1];
            v.push(last * x[i] + 1.0);
        }
        v.iter().map(|a| a * a).sum::<f64>()
    }

    push_last(x) {
        let mut v = vec![1.0];
        for i in 0..3 {
            let last = v[v.len() - 1];
            v.push(last * x[i] + 1.0);
        }
        v[1] * v[2] + v[3]
    }

    push_last2(x) {
        let mut v: Vec<f64> = vec![1.0];
        for i in 0..3 {
            let last = *v.last().unwrap();
            v.push(last * x[i] + 1.0);
        }
        v[1] * v[2] + v[3]
    }

    push_on_a_condition(x) {
        let mut v = Vec::new();
        for i in 0..3 {
            if x[i] > 0.0 {
                v.push(x[i] * x[i]);
            }
        }
        v.iter().sum()
    }

    push_to_dvector(x) {
        let mut v = Vec::new();
        for i in 0..3 {
            v.push(x[i] * x[i]);
        }
        let d = DVector::from_vec(v);
        d.norm()
    }

    push_nested(x) {
        let mut v = Vec::new();
        for i in 0..3 {
            for j in 0..2 {
                v.push(x[i] * x[j]);
            }
        }
        v.iter()
            .enumerate()
            .map(|(i, a)| a * a * i as f64)
            .sum::<f64>()
            + v.len() as f64 * x[0]
    }

    push_two(x) {
        let mut v = vec![x[0]];
        for (i, a) in x.iter().enumerate() {
            v.push(a * 2.0);
            let b = a * a;
            v.push(b + i as f64);
        }
        for a in x.iter() {
            v.push(*a);
        }
        v.push(x[1]);
        v[1] * v[2] + v[3] * v[6] + v[7] * v[9] * v[10] + v.len() as f64 * x[0]
    }

    push_by_a_small_integer(x) {
        let mut v = Vec::new();
        for i in 0..3 {
            v.push(x[0] * f64::from(i));
        }
        for i in 1..3 {
            v.push(x[1] * f64::from(i));
        }
        v[2] * v[4] + v[1]
    }

    push_or_continue(x) {
        let mut v = Vec::with_capacity(x.len());
        for a in x.iter() {
            if *a < 0.0 {
                continue;
            }
            v.push(a.sqrt());
        }
        v.iter().map(|a| a * a * a).sum::<f64>() / v.len() as f64
    }

    push_row(x) {
        let mut m = Matrix3::zeros();
        for i in 0..3 {
            let mut row = Vec::new();
            for j in 0..3 {
                row.push(x[i] * x[j] + x[j]);
            }
            for j in 0..3 {
                m[(i, j)] = row[j] * row[0];
            }
        }
        m.norm()
    }

    push_inert_iter(x) {
        let ws = vec![0.5, 1.5, 2.0];
        let mut v = Vec::new();
        for w in &ws {
            v.push(x[0] * w);
        }
        for (w, a) in ws.iter().zip(x.iter()) {
            v.push(w * a);
        }
        DVector::from_vec(v).norm() + 1.0
    }

    push_vectors(x) {
        let mut v = Vec::new();
        v.push(x * 2.0);
        v.push(x.cross(&Vector3::new(1.0, 2.0, 3.0)));
        v[0].dot(&v[1]) + v[1].norm()
    }

    push_branch(x) {
        let mut v = Vec::new();
        if x[0] > 0.0 {
            v.push(x[0] * 2.0);
        } else {
            v.push(1.0);
        }
        v.push(x[1]);
        v[0] * v[1]
    }

    push_assign(x) {
        let n = x.len();
        let mut t = Vec::with_capacity(n + 1);
        t.push(0.0);
        for i in 0..n {
            t.push(t[i] + x[i].exp());
        }
        t[n].ln() + t[2]
    }

    push_zero_then(x) {
        let mut v = vec![0.0; 2];
        v[0] = x[0];
        v.push(x[1]);
        for k in 0..2 {
            v.push(x[2] * v[k]);
        }
        v[0] * v[2] + v[3] * v[4]
    }

    extend(x) {
        let mut v = vec![x[0]];
        v.extend(x.iter().map(|a| a * a));
        v.extend(&[x[1], 2.0]);
        v[0] * v[1] + v[3] * v[4] * v[5]
    }

    len_in_range(x) {
        let mut v = vec![x[0]];
        for i in 0..3 {
            let mut s = 0.0;
            for j in 0..v.len() {
                s += v[j] * x[i];
            }
            v.push(s);
        }
        v[1] * v[2] + v[3]
    }

    len_in_range_cond(x) {
        let mut v = vec![x[0]];
        for i in 0..3 {
            let mut s = 0.0;
            for j in 0..v.len() {
                s += v[j] * x[i];
            }
            if s > 0.0 {
                v.push(s);
            }
        }
        v.iter().sum::<f64>() + v.len() as f64 * x[1]
    }

    grow_itself_bound(x) {
        let mut v = vec![x[0], x[1]];
        let n = v.len();
        for i in 0..n {
            v.push(v[i] * x[2]);
        }
        v[2] * v[3]
    }

    set_diag(x) {
        let mut m = DMatrix::zeros(3, 3);
        m.set_diagonal(x);
        let mut k = Matrix3::from_element(x[0]);
        k.set_diagonal(&(x * 2.0));
        (m + k).norm()
    }

    copy_dyn(x) {
        let n = x.len();
        let mut v = vec![0.0; n + 1];
        v[..n].copy_from_slice(x.as_slice());
        let mut d = DVector::zeros(4);
        d.copy_from_slice(&v);
        d.norm() * d[0]
    }

    first_last(x) {
        let v: Vec<f64> = x.iter().map(|a| a * a).collect();
        v.last().unwrap() * v[0]
            + v.first().unwrap()
            + v.get(1).unwrap()
            + v.get(7).copied().unwrap_or(x[0])
    }

    first_last_dyn(x) {
        let mut v = Vec::new();
        for i in 0..x.len() {
            if x[i] > 0.0 {
                v.push(x[i] * 2.0);
            }
        }
        v.last().unwrap() * v[0] + *v.first().unwrap() + v.get(1).copied().unwrap_or(0.0)
    }

    from_iterator(x) {
        let d = DVector::from_iterator(3, x.iter().map(|v| v * v));
        let e = Vector3::from_iterator(x.iter().map(|v| v.sin()));
        d.norm() + e[0] * d[1]
    }

    collect_dvec(x) {
        let v = x.iter().map(|a| a * a).collect::<Vec<_>>();
        let d = DVector::from_row_slice(&v);
        let w: Vec<f64> = v.iter().zip(x.iter()).map(|(a, b)| a * b).collect();
        d.norm() + w[1]
    }
}

// ---- Loops: values of `break`, `while let`, loops in closures ----

forms! {
    break_value(x) {
        let mut y = x[0] * x[0] + 5.0;
        let z = loop {
            y = y.sqrt();
            if y < 1.5 {
                break y;
            }
        };
        z * x[1]
    }

    break_value2(x) {
        let mut y = x[0] * x[0] + 5.0;
        let mut n = 0;
        let (z, k) = loop {
            y = y.sqrt() + 0.1 * x[1].sin();
            n += 1;
            if y < 1.7 {
                break (y * 2.0, n as f64);
            }
            if n > 20 {
                break (y, 0.0);
            }
        };
        z * x[1] * k
    }

    break_value_tail(x) {
        let mut y = x[0] * x[0] + 5.0;
        loop {
            let next = 0.5 * (y + 2.0 / y);
            if (next - y).abs() < 1e-10 {
                break next * x[1];
            }
            y = next + 0.0 * x[2];
        }
    }

    break_label_value(x) {
        let mut s = x[0].abs();
        let r = 'a: loop {
            for j in 0..3 {
                s += x[j].abs();
                if s > 10.0 {
                    break 'a s * 2.0;
                }
            }
        };
        r * x[1]
    }

    break_pair(x) {
        let mut y = *x;
        let (n, d) = loop {
            y = y * 0.5;
            if y.norm() < 1.0 {
                break (y.component_mul(x), y[0]);
            }
            if y[0] > 10.0 {
                break (y, 1.0);
            }
        };
        n.sum() * d
    }

    while_let_pop(x) {
        let mut v = vec![1.0, 2.0];
        let mut y = x[0];
        while let Some(n) = v.pop() {
            y *= n;
            y += x[1] * y;
        }
        y * x[1]
    }

    while_let_iter(x) {
        let w = [1.0, 2.0, 3.0];
        let mut it = w.iter();
        let mut y = x[0];
        while let Some(n) = it.next() {
            y = y * *n + x[1];
        }
        y * x[1]
    }

    loop_closure(x) {
        let g = |a: f64| {
            let mut s = a;
            for _ in 0..3 {
                s = s.sin() + a;
            }
            s
        };
        g(x[0]) * g(x[1])
    }

    loop_closure_sum(x) {
        let g = |a: f64, n: usize| {
            let mut s = 0.0;
            for k in 1..n {
                s += a.powi(k as i32);
            }
            s
        };
        g(x[0], 3) * g(x[1], 4)
    }

    loop_closure_in_loop(x) {
        let g = |a: f64| {
            let mut s = a;
            for _ in 0..3 {
                s = s.sin() + x[2];
            }
            s
        };
        let mut t = 0.0;
        for i in 0..3 {
            t += g(x[i]) * t + 1.0;
        }
        t
    }

    for_array(x) {
        let mut s = 1.0;
        for v in [x[0], x[1] * 2.0] {
            s = s * v + 1.0;
        }
        for v in &[x[2], x[1]] {
            s += v * s;
        }
        s
    }

    for_tuple_arr_active(x) {
        let mut s = 1.0;
        for (a, w) in [(x[0], 0.5), (x[1], x[2])] {
            s = s * a + w;
        }
        s
    }

    while_range(x) {
        let mut y = x[0];
        let mut rest = 1..4;
        while let Some(n) = rest.next() {
            y *= f64::from(n);
            y += x[1];
        }
        y
    }

    from_fn_shadow(x) {
        let j = 3;
        let i = 2;
        let m = DMatrix::from_fn(j, i, |i, j| {
            let mut s = 0.0;
            for k in 0..3 {
                s += x[i] * x[k] * (j as f64 + 1.0);
            }
            s
        });
        m.norm() * m[(2, 1)]
    }

    loop_in_map(x) {
        x.map(|v| {
            let mut s = v;
            for _ in 0..3 {
                s = s.sin() + x[0];
            }
            s
        })
        .sum()
    }

    loop_in_zip(x) {
        let y = x.map(|v| v * v);
        x.zip_map(&y, |v, w| {
            let mut s = v;
            for k in 0..3 {
                s = s.sin() + w * k as f64;
            }
            s * v
        })
        .norm()
    }

    loop_in_from_fn(x) {
        let m = Matrix3::from_fn(|i, j| {
            let mut s = 0.0;
            for k in 0..3 {
                s += x[i] * x[j] * x[k];
            }
            s
        });
        m.norm()
    }

    sum_in_from_fn(x) {
        let a = x * x.transpose();
        let m = DMatrix::from_fn(3, 2, |i, j| {
            (0..3).map(|k| (a[(i, k)] - a[(j, k)]).powi(2)).sum::<f64>() + 0.5
        });
        let d = DVector::from_fn(3, |i, _| x.iter().map(|v| v * x[i]).sum::<f64>());
        m.norm() * d[1]
    }

    iter_in_iter(x) {
        (0..3)
            .map(|i| {
                (0..3)
                    .map(|j| x[i] * x[j] * (i + j) as f64)
                    .sum::<f64>()
                    .sin()
            })
            .sum::<f64>()
    }

    unroll_vectors(x) {
        let pts = [x * 2.0, x.cross(&Vector3::new(1.0, 2.0, 3.0)), *x];
        let mut s = 0.0;
        for p in &pts {
            s += p.norm() * (s + 1.0);
        }
        for p in pts.iter() {
            s += p[0];
        }
        s
    }

    itermut_zeros(x) {
        let mut y = DVector::zeros(3);
        for (i, a) in y.iter_mut().enumerate() {
            *a = x[i] * x[i];
        }
        y.norm()
    }

    may_change(x) {
        let mut k = 1.0;
        k += 1.0;
        x.map(|v| v * k).sum()
    }

    may_change2(x) {
        let mut k = 1.0;
        let x = x.map(|v| v * k);
        k += 1.0;
        x.sum() * k
    }
}

// ---- Iterators ----

forms! {
    chunks(x) {
        let v = vec![x[0], x[1], x[2], x[0] * x[1]];
        let mut s = 1.0;
        for c in v.chunks(2) {
            s = s * c[0] + c[1];
        }
        s
    }

    chunks_odd(x) {
        let mut s = 1.0;
        for c in x.as_slice().chunks(2) {
            s = s * c[0] + c.len() as f64;
        }
        s
    }

    chunks_iter(x) {
        x.as_slice()
            .chunks(2)
            .map(|c| c.iter().sum::<f64>().powi(2))
            .sum::<f64>()
    }

    chunks_exact(x) {
        let v = vec![x[0], x[1], x[2], x[0] * x[1]];
        let mut s = 1.0;
        for c in v.chunks_exact(2) {
            s = s * c[0] + c[1];
        }
        s
    }

    chunks_pat(x) {
        let v = vec![x[0], x[1], x[2], x[0] * x[1]];
        let mut s = 1.0;
        for (i, c) in v.chunks_exact(2).enumerate() {
            s = s * c[0] + c[1] * i as f64;
        }
        s
    }

    step_iter(x) {
        let mut s = 0.0;
        for c in x.iter().step_by(2) {
            s = s * 2.0 + c * c;
        }
        s
    }

    filter_map(x) {
        x.iter()
            .filter_map(|v| if *v > 0.0 { Some(v.sqrt()) } else { None })
            .sum::<f64>()
            * x[0]
    }

    filter_map_loop(x) {
        let mut s = 1.0;
        for v in x.iter().filter_map(|v| (*v > 0.0).then(|| v.sqrt())) {
            s = s * v + 1.0;
        }
        s * x[0]
    }

    filter_collect(x) {
        let p: Vec<f64> = x.iter().cloned().filter(|v| *v > 0.0).collect();
        p.iter().map(|a| a * a).sum::<f64>() / p.len() as f64
    }

    filter_inert(x) {
        x.iter()
            .enumerate()
            .filter(|(i, _)| i % 2 == 0)
            .map(|(_, v)| v * v)
            .sum::<f64>()
    }

    flat_map2(x) {
        let mut s = 1.0;
        for (i, j) in (0..3).flat_map(|i| (0..i).map(move |j| (i, j))) {
            s = s * x[i] + x[j];
        }
        s
    }

    chain(x) {
        let y = x.map(|v| v.sin());
        let mut s = 1.0;
        for v in x.iter().chain(y.iter()) {
            s = s * v + 1.0;
        }
        s + x.iter().chain(y.iter()).map(|v| v * v).sum::<f64>()
    }

    for_each(x) {
        let mut s = 1.0;
        x.iter().enumerate().for_each(|(i, v)| {
            s = s * v + i as f64;
        });
        x.iter().for_each(|v| s *= v);
        s
    }

    rev_skip_take(x) {
        x.iter().rev().skip(1).map(|v| v * v).sum::<f64>() * x.iter().take(2).product::<f64>()
            + x.iter()
                .skip(1)
                .zip(x.iter())
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>()
    }

    step_sum(x) {
        x.iter().step_by(2).map(|v| v * v).sum::<f64>() * x[1]
    }

    adaptors_of_each_other(x) {
        x.iter().skip(1).step_by(2).map(|v| v * v).sum::<f64>()
            + x.iter().rev().step_by(2).skip(1).product::<f64>()
            + (1..3).rev().skip(1).map(|i| x[i] * x[0]).sum::<f64>()
            + (1..4)
                .step_by(2)
                .rev()
                .map(|i| x[i - 1] * i as f64)
                .product::<f64>()
    }

    adaptors_in_loops(x) {
        let y = x.map(|v| v * v);
        let mut s = 1.0;
        for v in x.iter().chain(y.iter()).rev().skip(1).step_by(2) {
            s = s * v + 1.0;
        }
        for c in x.as_slice().chunks(2).skip(1) {
            s += c[0] * s;
        }
        for w in y.as_slice().windows(2).rev() {
            s = s * w[0] - w[1];
        }
        s
    }

    matrices_from_iterators(x) {
        let d = DMatrix::from_iterator(2, 3, x.iter().chain(x.iter()).map(|v| v * v));
        let e = DMatrix::from_row_iterator(2, 2, (0..4).map(|i| x[i % 3] * i as f64));
        d[(1, 0)] * e[(0, 1)] + d[(0, 2)] * e[(1, 0)]
    }

    flat_list(x) {
        x.iter().flat_map(|v| [*v, v * v]).sum::<f64>()
    }

    each_changes(x) {
        let mut y = x.clone_owned();
        y.iter_mut().for_each(|v| *v = *v * *v);
        y.sum()
    }

    pairs(x) {
        let pairs: Vec<(usize, usize)> = vec![(0, 1), (1, 2)];
        let mut s = 1.0;
        for &(i, j) in &pairs {
            s = s * x[i] + x[j];
        }
        for (i, j) in pairs.iter() {
            s += x[*i] * x[*j];
        }
        pairs.iter().map(|&(i, j)| x[i] * x[j]).sum::<f64>() + s
    }

    pairs_zip(x) {
        let pairs = [(0, 1.5), (1, 2.5), (2, 0.5)];
        let mut s = 0.0;
        for (&(i, w), a) in pairs.iter().zip(x.iter()) {
            s += x[i] * w * a;
        }
        s + pairs
            .iter()
            .filter(|&&(i, _)| i > 0)
            .map(|&(i, w)| x[i] * w)
            .sum::<f64>()
    }
}

// ---- Options ----

forms! {
    some_inert(x) {
        let r = if x[0] > 1.0 {
            Some(0.5)
        } else {
            Some(x[0] * x[1])
        };
        r.unwrap() * x[2]
    }

    some_inert_var(x) {
        let k = 2.5;
        let r = if x[0] > 1.0 {
            Some(k)
        } else {
            Some(x[0] * x[1])
        };
        match r {
            Some(v) => v * x[2],
            None => 0.0,
        }
    }

    some_three(x) {
        let r = if x[0] > 1.0 {
            Some(x[1].sin())
        } else if x[1] > 0.0 {
            Some(x[0] * x[1])
        } else {
            None
        };
        r.unwrap_or(x[2]) * x[2]
    }

    some_three_none_first(x) {
        let r = if x[0] > 1.0 {
            None
        } else if x[1] > 0.0 {
            Some(x[0] * x[1])
        } else {
            Some(3.0)
        };
        if let Some(v) = r { v * v } else { x[2] * x[2] }
    }

    and_then(x) {
        let r = if x[0] > 0.0 { Some(x[0].sqrt()) } else { None };
        r.and_then(|v| if v > 1.0 { Some(v * x[1]) } else { None })
            .unwrap_or(x[2])
            * x[2]
    }

    filter_of_an_option(x) {
        let r = if x[0] > 0.0 { Some(x[0].sqrt()) } else { None };
        let q = r.filter(|v| *v > 1.0);
        let w = r.map(|v| v * v);
        q.unwrap_or(x[2]) * x[2] + w.map_or(0.0, |v| v * x[1])
    }

    checked(x) {
        let safe = |a: f64, b: f64| if b.abs() > 0.5 { Some(a / b) } else { None };
        safe(x[0], x[1]).map(|q| q * q).unwrap_or(0.0)
            + safe(x[1], x[2]).unwrap_or_else(|| x[0])
    }

    then_some(x) {
        let r = (x[0] > 0.0).then(|| x[0].sqrt());
        let s = (x[1] > 0.0).then_some(x[1]);
        r.unwrap_or(0.0) + s.unwrap_or(x[2])
    }

    result_inert(x) {
        let r: Result<f64, String> = if x[0] > 0.0 { Ok(x[0] * x[1]) } else { Ok(2.0) };
        r.unwrap() * x[1]
    }

    options_of_matrices(x) {
        let r = if x[0] > 1.0 {
            None
        } else if x[1] > 0.0 {
            Some(x * 2.0)
        } else {
            None
        };
        let q = r.and_then(|v| {
            if v[0] > 0.0 {
                Some((v.norm(), v))
            } else {
                None
            }
        });
        match q {
            Some((n, v)) => n * v[1],
            None => x[2] * x[2],
        }
    }

    inverse_filter(x) {
        let m = Matrix2::new(x[0], x[1], x[2], 1.0);
        m.try_inverse()
            .filter(|inverse| inverse.norm() < 1.0)
            .map_or(0.5 * x[0], |inverse| inverse.trace())
    }
}

// ---- Structs that are built, and read ----

forms! {
    struct_literal(x) {
        struct Q {
            a: f64,
            b: f64,
        }
        let q = Q {
            a: x[0] * x[1],
            b: x[2],
        };
        q.a * q.b
    }

    record_branch(x) {
        struct Q {
            a: f64,
            b: Vector3<f64>,
            n: f64,
        }
        let k = 0.5;
        let q = if x[0] > 1.0 {
            Q {
                a: k,
                b: x * 2.0,
                n: 1.0,
            }
        } else {
            Q {
                a: x[0] * x[1],
                b: *x,
                n: 2.0,
            }
        };
        let mut s = q.a;
        for i in 0..3 {
            s = s * q.b[i] + q.a;
        }
        let Q { a, b, n } = q;
        s * a + b.norm() * n
    }

    record_closure(x) {
        struct Q {
            a: f64,
            b: f64,
        }
        let make = |a: f64, b: f64| Q { a: a * b, b };
        let (p, q) = (make(x[0], x[1]), make(x[2], 2.0));
        let a = p.a + q.a;
        Q { a, b: p.b * q.b }.b * a
    }
}

/// Of what is greater than zero, the last one.
#[gradient]
fn last_positive(x: &DVector<f64>) -> f64 {
    let mut list = Vec::new();
    for entry in x.iter() {
        if *entry > 0.0 {
            list.push(entry * entry);
        }
    }
    list.last().copied().unwrap_or(2.0 * x[0])
}

/// The same, if there is one.
#[gradient]
fn surely_positive(x: &DVector<f64>) -> f64 {
    let mut list = Vec::new();
    for entry in x.iter() {
        if *entry > 0.0 {
            list.push(entry * entry);
        }
    }
    *list.last().unwrap()
}

#[test]
fn a_list_that_stays_empty() {
    let x = vector(&[-1.0, -3.0]);
    assert_eq!(
        last_positive_value_and_gradient(&x),
        (-2.0, vector(&[2.0, 0.0]))
    );
    let x = vector(&[-1.0, 3.0]);
    assert_eq!(
        last_positive_value_and_gradient(&x),
        (9.0, vector(&[0.0, 6.0]))
    );
    assert_eq!(surely_positive_gradient(&x), vector(&[0.0, 6.0]));
}

#[test]
#[should_panic(expected = "called `Option::unwrap()` on a `None` value")]
fn the_last_of_none() {
    surely_positive_gradient(&vector(&[-1.0]));
}

/// A range beyond the end panics as it does in the function.
#[gradient]
fn part(x: &[f64], from: usize, to: usize) -> f64 {
    x[from..to].iter().map(|entry| entry * entry).sum()
}

#[test]
fn ranges_of_a_slice() {
    let x = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(
        part_value_and_gradient(&x, 1, 3),
        (13.0, vec![0.0, 4.0, 6.0, 0.0])
    );
    assert_eq!(part_gradient(&x, 2, 2), [0.0; 4]);
}

#[test]
#[should_panic(expected = "range end index 5 out of range for slice of length 4")]
fn a_range_beyond_the_end() {
    part_gradient(&[1.0, 2.0, 3.0, 4.0], 1, 5);
}

#[test]
#[should_panic(expected = "slice index starts at 3 but ends at 1")]
fn a_range_that_ends_before_it_starts() {
    part_gradient(&[1.0, 2.0, 3.0, 4.0], 3, 1);
}
