//! The hidden helpers that generated code calls, at ordinary and at delicate points.

// Most results here are exact, and a helper that is off by an ulp there is wrong.
#![allow(clippy::float_cmp)]

use nalgebra::{
    Const, DMatrix, DVector, DefaultAllocator, Dim, Dyn, Matrix, Matrix2, Matrix3, Matrix4,
    Matrix5, OMatrix, RealField, RowDVector, SMatrix, Storage, Vector3, Vector4,
    allocator::Allocator,
};
use nalgrad::__private::*;

/// A matrix of well mixed numbers in [-1, 1], the same at every run.
fn mixed(rows: usize, columns: usize, seed: u32) -> DMatrix<f64> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    DMatrix::from_fn(rows, columns, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    })
}

/// A product of small whole numbers, and so exactly of the given rank or less.
fn of_rank(n: usize, rank: usize) -> DMatrix<f64> {
    let whole = |m: DMatrix<f64>| m.map(|x| (x * 4.0).round());
    whole(mixed(n, rank, 3)) * whole(mixed(rank, n, 4))
}

fn static_mixed<const R: usize, const C: usize>(seed: u32) -> SMatrix<f64, R, C> {
    SMatrix::from_iterator(mixed(R, C, seed).iter().copied())
}

/// Panics unless every entry of `a` is that of `b` up to `tolerance` times the largest entry of `b`.
#[track_caller]
fn assert_close<R: Dim, C: Dim, S1, S2>(
    a: &Matrix<f64, R, C, S1>,
    b: &Matrix<f64, R, C, S2>,
    tolerance: f64,
) where
    S1: Storage<f64, R, C>,
    S2: Storage<f64, R, C>,
{
    assert_eq!(a.shape(), b.shape());
    let scale = b
        .iter()
        .fold(f64::MIN_POSITIVE, |scale, x| scale.max(x.abs()));
    for (k, (x, y)) in a.iter().zip(b.iter()).enumerate() {
        let error = (x - y).abs();
        assert!(error <= tolerance * scale, "entry {k}: {x:e} is not {y:e}");
    }
}

// Scalars

#[test]
fn sign_is_the_derivative_of_abs() {
    assert_eq!(sign(3.0), 1.0);
    assert_eq!(sign(-f64::MIN_POSITIVE), -1.0);
    assert_eq!(sign(f64::NEG_INFINITY), -1.0);
    assert_eq!(sign(0.0_f64).to_bits(), 0.0_f64.to_bits());
    assert_eq!(sign(-0.0_f64).to_bits(), 0.0_f64.to_bits());
    assert!(sign(f64::NAN).is_nan());
    assert_eq!(sign(-2.5_f32), -1.0);
}

#[test]
fn recip_or_zero_is_zero_at_zero_only() {
    assert_eq!(recip_or_zero(4.0), 0.25);
    assert_eq!(recip_or_zero(0.0), 0.0);
    assert_eq!(recip_or_zero(-0.0), 0.0);
    assert_eq!(recip_or_zero(-0.5_f32), -2.0);
    assert!(recip_or_zero(f64::NAN).is_nan());
}

#[test]
fn powi_slope_is_the_falling_factorial_times_a_power() {
    assert_eq!(powi_slope(2.0, 3, 0), 8.0);
    assert_eq!(powi_slope(2.0, 3, 1), 12.0);
    assert_eq!(powi_slope(2.0, 3, 3), 6.0);
    assert_eq!(powi_slope(2.0, -1, 1), -0.25);
    assert_eq!(powi_slope(2.0, -1, 2), 0.25);
    assert_eq!(powi_slope(2.0_f32, 2, 1), 4.0);
}

#[test]
fn powi_slope_is_zero_where_its_factor_is() {
    for x in [0.0, -0.0, 2.0, f64::INFINITY] {
        assert_eq!(powi_slope(x, 0, 1), 0.0);
        assert_eq!(powi_slope(x, 2, 3), 0.0);
        assert_eq!(powi_slope(x, 2, 5), 0.0);
    }
    assert_eq!(powi_slope(0.0, 0, 0), 1.0);
    assert_eq!(powi_slope(0.0, 1, 1), 1.0);
    assert_eq!(powi_slope(0.0, 2, 1), 0.0);
    assert_eq!(powi_slope(0.0, 2, 2), 2.0);
    assert_eq!(powi_slope(0.0, -1, 1), f64::NEG_INFINITY);
}

#[test]
fn powi_slope_survives_extreme_exponents() {
    let lowest = f64::from(i32::MIN);
    assert_eq!(powi_slope(1.0, i32::MIN, 1), lowest);
    assert_eq!(powi_slope(1.0, i32::MIN, 2), lowest * (lowest - 1.0));
    assert_eq!(powi_slope(2.0, i32::MIN, 3), 0.0);
    assert_eq!(powi_slope(0.5, i32::MIN, 1), f64::NEG_INFINITY);
    assert_eq!(powi_slope(1.0, i32::MAX, 1), f64::from(i32::MAX));
}

// Reductions

#[test]
fn sum_of_every_shape() {
    for rows in 0..20_u32 {
        for columns in 0..20_u32 {
            let m = DMatrix::from_fn(rows as usize, columns as usize, |i, j| {
                (i * columns as usize + j) as f64
            });
            let n = f64::from(rows * columns);
            assert_eq!(sum(&m), n * (n - 1.0) / 2.0, "{rows}x{columns}");
        }
    }
    let m = DMatrix::from_fn(40, 30, |i, j| (i * 30 + j) as f64);
    let block = m.view((3, 4), (20, 11));
    assert_eq!(sum(&block), block.sum());
    let gaps = m.view_with_steps((1, 2), (9, 3), (2, 5));
    assert_eq!(sum(&gaps), gaps.sum());
    assert_eq!(sum(&m.row(3)), m.row(3).sum());
    assert_eq!(sum(&Vector3::new(1.0_f32, 2.0, 3.5)), 6.5);
    assert_eq!(sum(&SMatrix::<f64, 0, 3>::zeros()), 0.0);
}

#[test]
fn sum_keeps_infinities_and_nan() {
    let mut v = DVector::repeat(50, 1.0);
    v[33] = f64::INFINITY;
    assert_eq!(sum(&v), f64::INFINITY);
    v[34] = f64::NAN;
    assert!(sum(&v).is_nan());
}

#[test]
fn sum_of_many_is_more_accurate_than_adding_in_turn() {
    let ones = DVector::repeat(1_000_000, 0.1);
    let error = |sum: f64| (sum - 1e5).abs();
    assert!(error(sum(&ones)) < error(ones.sum()) / 4.0);
}

#[test]
fn selections_agree_with_the_values_of_nalgebra() {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    for seed in 0..2000 {
        let m =
            mixed(2, 3, seed).map(|x| special[((x + 1.0) * 4.5).min(8.0).floor().abs() as usize]);
        assert!(same(m[argmax(&m)], m.max()), "{m}");
        assert!(same(m[argmin(&m)], m.min()), "{m}");
        assert!(same(m[arg_abs_max(&m)].abs(), m.amax()), "{m}");
        assert!(same(m[arg_abs_min(&m)].abs(), m.amin()), "{m}");
    }
}

#[test]
fn selections_take_the_first_of_a_tie_in_column_major_order() {
    let m = Matrix2::new(1.0, 3.0, 3.0, 1.0);
    assert_eq!(argmax(&m), (1, 0));
    assert_eq!(argmin(&m), (0, 0));
    let m = Matrix2::new(-1.0, -3.0, 3.0, 1.0);
    assert_eq!(arg_abs_max(&m), (1, 0));
    assert_eq!(arg_abs_min(&m), (0, 0));
    assert_eq!(arg_abs_min(&Vector3::new(0.0, -0.0, 1.0_f32)), (0, 0));
}

#[test]
fn selections_of_small_matrices_and_of_views() {
    let empty = DVector::<f64>::zeros(0);
    for index in [
        argmax(&empty),
        argmin(&empty),
        arg_abs_max(&empty),
        arg_abs_min(&empty),
    ] {
        assert_eq!(index, (0, 0));
        assert_eq!(empty.get(index), None);
    }
    assert_eq!(argmax(&SMatrix::<f64, 1, 1>::new(-4.0)), (0, 0));
    let m = mixed(5, 7, 3);
    let view = m.view((1, 2), (3, 4));
    assert_eq!(view[argmax(&view)], view.max());
}

// Products

#[test]
fn products_of_dynamic_matrices_of_many_shapes() {
    for inner in [0, 1, 2, 5, 6, 7, 17, 40] {
        for rows in [0, 1, 3, 6, 9, 40] {
            for columns in [0, 1, 4, 8, 31] {
                let (a, b) = (mixed(inner, rows, 1), mixed(inner, columns, 2));
                let expected = DMatrix::from_fn(rows, columns, |i, j| {
                    (0..inner).map(|k| a[(k, i)] * b[(k, j)]).sum()
                });
                assert_close(&tr_mul(&a, &b), &expected, 1e-13);
                assert_close(&mul_tr(&a.transpose(), &b.transpose()), &expected, 1e-13);
            }
        }
    }
}

#[test]
fn products_of_static_matrices() {
    fn check<const K: usize, const M: usize, const N: usize>() {
        let (a, b) = (static_mixed::<K, M>(1), static_mixed::<K, N>(2));
        let expected: SMatrix<f64, M, N> =
            SMatrix::from_fn(|i, j| (0..K).map(|k| a[(k, i)] * b[(k, j)]).sum());
        assert_close(&tr_mul(&a, &b), &expected, 1e-13);
        assert_close(&mul_tr(&a.transpose(), &b.transpose()), &expected, 1e-13);
    }
    check::<1, 1, 1>();
    check::<3, 3, 3>();
    check::<4, 2, 5>();
    check::<0, 2, 3>();
    check::<16, 16, 16>();
    check::<20, 17, 19>();
}

#[test]
fn products_of_mixed_sizes_and_of_vectors() {
    let (a, b) = (static_mixed::<20, 10>(1), mixed(20, 30, 2));
    assert_close(&tr_mul(&a, &b), &(a.transpose() * &b), 1e-13);

    let x = mixed(70, 1, 1).column(0).into_owned();
    let y = mixed(80, 1, 2).column(0).into_owned();
    assert_close(&mul_tr(&x, &y), &(&x * y.transpose()), 1e-15);
    let m = mixed(80, 9, 3);
    assert_close(&tr_mul(&m, &y), &(m.transpose() * &y), 1e-14);

    let row = RowDVector::from_column_slice(&[1.0, 2.0, 3.0]);
    assert_eq!(mul_tr(&row, &row)[(0, 0)], 14.0);
    let (x, y) = (
        SMatrix::<f32, 1, 2>::new(1.0, 2.0),
        SMatrix::<f32, 1, 2>::new(3.0, 4.0),
    );
    assert_eq!(tr_mul(&x, &y), Matrix2::new(3.0, 4.0, 6.0, 8.0));
}

/// nalgebra's own products write past the end for such operands.
#[test]
fn products_of_views_with_gaps() {
    let m = mixed(80, 80, 5);
    for n in [1, 2, 4, 7, 20, 26] {
        let a = m.view_with_steps((1, 0), (n, n), (2, 1));
        let b = m.view_with_steps((0, 2), (n, n), (1, 2));
        let (owned_a, owned_b) = (a.clone_owned(), b.clone_owned());
        assert_close(&tr_mul_of_view(&a, &b), &tr_mul(&owned_a, &owned_b), 1e-14);
        assert_close(&mul_tr_of_view(&a, &b), &mul_tr(&owned_a, &owned_b), 1e-14);
    }
}

#[test]
fn products_into_buffers_are_those_of_the_operators() {
    let mut buffer = DMatrix::zeros(0, 0);
    // One buffer for all sizes, larger and smaller ones in turn.
    for (rows, inner, columns) in [
        (3, 2, 4),
        (7, 9, 6),
        (1, 5, 2),
        (7, 9, 6),
        (2, 0, 3),
        (0, 2, 2),
    ] {
        let (a, b) = (mixed(rows, inner, 1), mixed(inner, columns, 2));
        mul_into(&mut buffer, &a, &b);
        assert_eq!(buffer, &a * &b);
        let a = mixed(inner, rows, 3);
        tr_mul_into(&mut buffer, &a, &b);
        assert_eq!(buffer, a.tr_mul(&b));
        copy_into(&mut buffer, &a);
        assert_eq!(buffer, a);
        zeros_into(&mut buffer, columns, rows);
        assert_eq!(buffer, DMatrix::zeros(columns, rows));
    }
    let (a, x) = (mixed(6, 4, 5), mixed(4, 3, 6));
    let mut y = DVector::zeros(0);
    mul_into(&mut y, &a, &x.column(1));
    assert_eq!(y, &a * x.column(1));
    tr_mul_into(&mut y, &x, &a.row(2).transpose());
    assert_eq!(y, x.tr_mul(&a.row(2).transpose()));
    let mut mixed_sizes = OMatrix::<f64, Const<4>, Dyn>::zeros(0);
    copy_into(&mut mixed_sizes, &x);
    assert_eq!(mixed_sizes.as_slice(), x.as_slice());
}

#[test]
#[should_panic(expected = "gemm: dimensions mismatch")]
fn a_product_into_a_buffer_refuses_sizes_that_differ() {
    mul_into(&mut DMatrix::zeros(0, 0), &mixed(7, 8, 1), &mixed(9, 7, 2));
}

#[test]
fn what_is_kept_is_found_again() {
    let mut kept = Kept::new();
    let (a, x) = (mixed(3, 4, 1), DVector::from_element(5, 2.0));
    let places = (
        kept.push(&a),
        kept.push(&x),
        kept.push(&DMatrix::zeros(0, 3)),
        kept.push(&a.column(2)),
        kept.push(&Matrix2::new(1.0, 2.0, 3.0, 4.0)),
    );
    assert_eq!(kept.view(places.0), a);
    assert_eq!(kept.view(places.1), x);
    assert_eq!(kept.view(places.2).shape(), (0, 3));
    assert_eq!(kept.view(places.3), a.column(2));
    assert_eq!(kept.view(places.4), Matrix2::new(1.0, 2.0, 3.0, 4.0));
}

#[test]
fn a_map_of_columns_is_the_map_of_each() {
    let (a, m) = (mixed(2, 3, 1), mixed(12, 5, 2));
    let images = each_column(&m, (Dyn(4), Dyn(3)), Dyn(8), |x| &a * x.transpose());
    // The entries of A Xᵀ by definition.
    for (j, column) in m.column_iter().enumerate() {
        for (k, i) in (0..4).flat_map(|k| [(k, 0), (k, 1)]) {
            let entry: f64 = (0..3).map(|l| a[(i, l)] * column[k + 4 * l]).sum();
            assert!((images[(i + 2 * k, j)] - entry).abs() < 1e-15);
        }
    }
    let m = static_mixed::<6, 2>(3);
    let sums = each_column(&m, (Const::<2>, Const::<3>), Const::<3>, |x| {
        x.row_sum().transpose()
    });
    assert_eq!(sums[(1, 0)], m[(2, 0)] + m[(3, 0)]);
    // Columns without entries.
    let none = DMatrix::<f64>::zeros(0, 2);
    let sums = each_column(&none, (Dyn(0), Dyn(2)), Dyn(2), |x| x.row_sum().transpose());
    assert_eq!(sums, DMatrix::zeros(2, 2));
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_map_of_columns_refuses_another_number_of_entries() {
    let shape = (Const::<2>, Const::<2>);
    let _ = each_column(&mixed(5, 2, 1), shape, Const::<4>, OMatrix::clone);
}

#[test]
#[should_panic(expected = "left rows != right rows")]
fn tr_mul_refuses_sizes_that_differ() {
    let _ = tr_mul(&mixed(30, 20, 1), &mixed(31, 20, 1));
}

#[test]
#[should_panic(expected = "left columns != right columns")]
fn mul_tr_refuses_sizes_that_differ() {
    let _ = mul_tr(&mixed(20, 30, 1), &mixed(20, 31, 1));
}

// Determinants and solves

/// Cofactors by expanding the minors: slow, and exact for small whole numbers.
fn cofactors_by_definition(a: &DMatrix<f64>) -> DMatrix<f64> {
    fn alternating(k: usize) -> f64 {
        if k.is_multiple_of(2) { 1.0 } else { -1.0 }
    }
    fn determinant(a: &DMatrix<f64>) -> f64 {
        if a.is_empty() {
            return 1.0;
        }
        (0..a.ncols())
            .map(|j| {
                alternating(j) * a[(0, j)] * determinant(&a.clone().remove_row(0).remove_column(j))
            })
            .sum()
    }
    DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| {
        alternating(i + j) * determinant(&a.clone().remove_row(i).remove_column(j))
    })
}

#[test]
fn cofactors_of_small_matrices_are_exact() {
    assert_eq!(cofactors(&DMatrix::<f64>::zeros(0, 0)).shape(), (0, 0));
    assert_eq!(cofactors(&SMatrix::<f64, 1, 1>::new(0.0))[0], 1.0);
    for n in 1..=3 {
        let a = mixed(n, n, 7).map(|x| (x * 10.0).round());
        assert_eq!(cofactors(&a), cofactors_by_definition(&a));
    }
    assert_eq!(
        cofactors(&Matrix2::new(1.0_f32, 2.0, 3.0, 4.0)),
        Matrix2::new(4.0, -3.0, -2.0, 1.0)
    );
}

#[test]
fn cofactors_of_regular_matrices() {
    for n in 4..=7 {
        for seed in 0..10 {
            let a = mixed(n, n, seed);
            assert_close(&cofactors(&a), &cofactors_by_definition(&a), 1e-13);
        }
    }
    let a = mixed(60, 60, 1);
    let expected = a.clone().try_inverse().unwrap().transpose() * a.determinant();
    assert_close(&cofactors(&a), &expected, 1e-10);
}

#[test]
fn cofactors_of_singular_matrices_of_every_rank() {
    for n in 4..=7 {
        for rank in 0..n {
            let a = of_rank(n, rank);
            let expected = cofactors_by_definition(&a);
            let scale = a.amax().max(1.0).powi(i32::try_from(n).unwrap() - 1);
            let error = (cofactors(&a) - &expected).amax();
            assert!(error <= 1e-12 * scale, "{n} {rank} {error:e}");
            if rank == n - 1 {
                assert_close(&cofactors(&a), &expected, 1e-11);
            }
        }
    }
}

#[test]
fn cofactors_where_the_first_pivot_vanishes() {
    // Partial pivoting leaves its zero in the first column here and would divide by it.
    let mut a = mixed(5, 5, 9);
    a.column_mut(0).fill(0.0);
    assert_close(&cofactors(&a), &cofactors_by_definition(&a), 1e-13);
    let mut a = mixed(5, 5, 9);
    a.row_mut(2).fill(0.0);
    assert_close(&cofactors(&a), &cofactors_by_definition(&a), 1e-13);
    assert_eq!(cofactors(&Matrix5::<f64>::zeros()), Matrix5::zeros());
}

#[test]
fn cofactors_of_nearly_singular_matrices() {
    for exponent in [4, 8, 12, 15, 16, 20, 100, 300] {
        let mut a = mixed(5, 5, 2);
        let combination = a.column(0) * 0.5 - a.column(1) * 0.25 + a.column(2);
        a.set_column(4, &combination);
        a[(3, 4)] += 10_f64.powi(-exponent);
        assert_close(&cofactors(&a), &cofactors_by_definition(&a), 1e-12);
    }
}

#[test]
fn cofactors_of_badly_scaled_matrices() {
    let cofactors = cofactors(&Matrix4::from_diagonal(&Vector4::new(
        1e-20, 1e-20, 1.0, 1e60,
    )));
    for (i, expected) in [1e40, 1e40, 1e20, 1e-40].into_iter().enumerate() {
        let ratio: f64 = cofactors[(i, i)] / expected;
        assert!((ratio - 1.0).abs() < 1e-14, "{ratio}");
    }
    assert_eq!(cofactors[(0, 1)], 0.0);
}

#[test]
fn cofactors_of_what_is_not_finite() {
    let mut a = mixed(5, 5, 1);
    a[(2, 3)] = f64::NAN;
    assert!(cofactors(&a).iter().all(|x| x.is_nan()));
    a[(2, 3)] = f64::INFINITY;
    assert!(cofactors(&a).iter().all(|x| x.is_nan()));
}

#[test]
fn cofactors_in_single_precision() {
    let a = mixed(6, 6, 1).map(|x| x as f32);
    assert_close(
        &cofactors(&a).map(f64::from),
        &cofactors_by_definition(&a.map(f64::from)),
        1e-5,
    );
}

#[test]
#[should_panic(expected = "non-square")]
fn cofactors_of_a_rectangle() {
    let _ = cofactors(&mixed(4, 5, 1));
}

/// The derivative of a function of one number at 0, exact for polynomials to the fourth degree.
fn slope(f: impl Fn(f64) -> DMatrix<f64>) -> DMatrix<f64> {
    ((f(1.0) - f(-1.0)) * 8.0 - (f(2.0) - f(-2.0))) / 12.0
}

/// Cofactors of 5 by 5 are of the fourth degree.
fn cofactors_along_by_definition(a: &DMatrix<f64>, directions: &[DMatrix<f64>]) -> DMatrix<f64> {
    match directions {
        [] => cofactors_by_definition(a),
        [first, rest @ ..] => slope(|t| cofactors_along_by_definition(&(a + first * t), rest)),
    }
}

#[test]
fn derivatives_of_cofactors_of_matrices_of_every_rank() {
    let whole = |m: DMatrix<f64>| m.map(|x| (x * 4.0).round());
    for n in 0..=5 {
        let directions: Vec<_> = (10..14).map(|seed| whole(mixed(n, n, seed))).collect();
        for rank in 0..=n {
            let a = of_rank(n, rank);
            let tangent = cofactors_tangent(&a, &directions[0]);
            let size = |order: usize| a.amax().max(4.0).powi(n as i32 - 1 - order as i32);
            for order in 1..=4 {
                let along = &directions[..order];
                let expected = cofactors_along_by_definition(&a, along);
                let scale = size(order) * 4_f64.powi(order as i32) * 10.0;
                let found = cofactors_along(&a, along);
                let error = |found: &DMatrix<f64>| {
                    (found - &expected)
                        .iter()
                        .fold(0.0, |m: f64, x| m.max(x.abs()))
                };
                assert!(error(&found) <= 1e-13 * scale, "{n} {rank} {order}");
                if order == 1 {
                    assert!(error(&tangent) <= 1e-13 * scale, "{n} {rank}");
                    // Whole numbers stay whole in closed form.
                    assert!(n > 3 || error(&tangent) == 0.0);
                }
            }
        }
    }
    assert_eq!(
        cofactors_tangent(&Matrix2::zeros(), &Matrix2::new(1.0_f32, 2.0, 3.0, 4.0)),
        Matrix2::new(4.0, -3.0, -2.0, 1.0)
    );
}

#[test]
fn derivative_of_cofactors_of_a_large_matrix() {
    // By the inverse: d cof A = tr(A⁻¹ dA) cof A − cof A dAᵀ A⁻ᵀ
    let (a, b) = (mixed(40, 40, 1), mixed(40, 40, 2));
    let inverse = a.clone().try_inverse().unwrap();
    let cofactors = inverse.transpose() * a.determinant();
    let expected =
        &cofactors * (&inverse * &b).trace() - &cofactors * b.transpose() * inverse.transpose();
    assert_close(&cofactors_tangent(&a, &b), &expected, 1e-10);
}

#[test]
fn derivative_of_cofactors_of_a_badly_scaled_matrix() {
    let a = Matrix4::from_diagonal(&Vector4::new(1e-20, 1e-20, 1.0, 1e60));
    let slope = cofactors_tangent(&a, &Matrix4::repeat(1.0));
    let expected = |i: usize, j: usize| {
        let rest = |i: usize, j: usize| {
            (0..4)
                .filter(|k| *k != i && *k != j)
                .map(|k| a[(k, k)])
                .product::<f64>()
        };
        if i == j {
            (0..4).filter(|j| *j != i).map(|j| rest(i, j)).sum()
        } else {
            -rest(i, j)
        }
    };
    for (i, j) in [(0, 0), (0, 1), (0, 3), (1, 2), (2, 3), (3, 3)] {
        let ratio = slope[(i, j)] / expected(i, j);
        assert!((ratio - 1.0).abs() < 1e-14, "{ratio}");
    }
}

#[test]
fn derivatives_of_cofactors_of_what_is_not_finite() {
    let mut a = mixed(5, 5, 1);
    a[(2, 3)] = f64::NAN;
    let b = mixed(5, 5, 2);
    assert!(cofactors_tangent(&a, &b).iter().all(|x| x.is_nan()));
    let twice = cofactors_along(&a, &[b.clone(), b]);
    assert!(twice.iter().all(|x| x.is_nan()));
}

#[test]
#[should_panic(expected = "differ in shape")]
fn derivative_of_cofactors_along_another_size() {
    let _ = cofactors_tangent(&mixed(4, 4, 1), &mixed(5, 5, 1));
}

#[test]
fn inverse_transpose_of_regular_matrices() {
    for n in 0..=9 {
        let a = mixed(n, n, 11);
        let identity = a.transpose() * inverse_transpose(&a);
        assert_close(&identity, &DMatrix::identity(n, n), 1e-12);
    }
    assert_eq!(
        inverse_transpose(&Matrix2::new(2.0_f32, 0.0, 4.0, 1.0)),
        Matrix2::new(0.5, -2.0, 0.0, 1.0)
    );
}

#[test]
fn inverse_transpose_where_the_determinant_underflows() {
    // nalgebra's closed forms call these singular.
    let a = Matrix4::from_diagonal_element(1e-120);
    assert!(a.try_inverse().is_none());
    assert_close(
        &inverse_transpose(&a),
        &Matrix4::from_diagonal_element(1e120),
        1e-14,
    );
    let a = Matrix3::new(1e-170, 2e-170, 0.0, 0.0, 1e-170, 0.0, 0.0, 0.0, 1.0);
    assert_close(
        &inverse_transpose(&a),
        &Matrix3::new(1e170, 0.0, 0.0, -2e170, 1e170, 0.0, 0.0, 0.0, 1.0),
        1e-14,
    );
}

#[test]
fn inverse_transpose_of_singular_matrices_is_not_finite() {
    for n in 1..=7 {
        for rank in 0..n {
            let inverse = inverse_transpose(&of_rank(n, rank));
            // Rounding may leave a tiny pivot, whose inverse is huge instead.
            let shows = |x: &f64| !x.is_finite() || x.abs() > 1e12;
            assert!(inverse.iter().any(shows), "{n} {rank} {inverse}");
        }
    }
    let zero = SMatrix::<f64, 1, 1>::new(0.0);
    assert_eq!(inverse_transpose(&zero)[0], f64::INFINITY);
    let nan = SMatrix::<f64, 6, 6>::repeat(f64::NAN);
    assert!(inverse_transpose(&nan).iter().all(|x| x.is_nan()));
}

#[test]
fn lu_tr_solve_solves_the_transposed_system() {
    for n in [1, 2, 3, 6, 20] {
        for seed in 0..5 {
            let (a, g) = (mixed(n, n, seed), mixed(n, 4, seed + 50));
            let lu = a.clone().lu();
            let x = lu_tr_solve(&lu, &g);
            assert_close(&(a.transpose() * &x), &g, 1e-10);
            assert_close(&lu_tr_solve(&lu, &g.column(1)), &x.column(1), 1e-12);
        }
    }
    let (a, g) = (static_mixed::<4, 4>(5), static_mixed::<4, 1>(6));
    assert_close(&(a.transpose() * lu_tr_solve(&a.lu(), &g)), &g, 1e-12);
    let (a, g) = (a.map(|x| x as f32), g.map(|x| x as f32));
    assert!((a.transpose() * lu_tr_solve(&a.lu(), &g) - g).amax() < 1e-4);
}

#[test]
fn lu_tr_solve_where_nothing_can_be_solved() {
    let x = lu_tr_solve(&DMatrix::<f64>::zeros(0, 0).lu(), &DMatrix::zeros(0, 3));
    assert_eq!(x.shape(), (0, 3));
    let x = lu_tr_solve(&Matrix3::<f64>::zeros().lu(), &Vector3::new(1.0, 2.0, 3.0));
    assert!(x.iter().all(|x| !x.is_finite()));
}

// Symmetric matrices and Cholesky's factor

#[test]
fn fold_lower_is_the_adjoint_of_symmetric_from_lower() {
    for n in 0..6 {
        let (a, s) = (mixed(n, n, 1), mixed(n, n, 2));
        let symmetric = symmetric_from_lower(&a);
        assert_eq!(symmetric, symmetric.transpose());
        assert_eq!(symmetric.lower_triangle(), a.lower_triangle());
        let folded = fold_lower(&s);
        assert_eq!(folded, folded.lower_triangle());
        assert!((symmetric.dot(&s) - a.dot(&folded)).abs() < 1e-14);
    }
    assert_eq!(
        fold_lower(&Matrix2::new(1.0, 2.0, 3.0, 4.0)),
        Matrix2::new(1.0, 0.0, 5.0, 4.0)
    );
}

fn positive_definite(n: usize) -> DMatrix<f64> {
    let m = mixed(n, n, 21);
    &m * m.transpose() + DMatrix::identity(n, n) * 0.5
}

#[test]
fn cholesky_tangent_agrees_with_differences() {
    for n in 0..7 {
        let (a, da) = (positive_definite(n), mixed(n, n, 22));
        let factor = |t: f64| (&a + &da * t).cholesky().unwrap().l();
        let tangent = cholesky_tangent(&factor(0.0), &da);
        // Central differences of fourth order.
        let h = 1e-3;
        let numeric =
            ((factor(h) - factor(-h)) * 8.0 - (factor(2.0 * h) - factor(-2.0 * h))) / (12.0 * h);
        assert_close(&tangent, &numeric, 1e-8);
        assert_eq!(tangent, tangent.lower_triangle());
    }
}

#[test]
fn cholesky_adjoint_is_the_adjoint_of_the_tangent() {
    for n in [0, 1, 2, 3, 6, 20] {
        let l = positive_definite(n).cholesky().unwrap().l();
        let (da, l_bar) = (mixed(n, n, 31), mixed(n, n, 32));
        let forward = cholesky_tangent(&l, &da).dot(&l_bar);
        let a_bar = cholesky_adjoint(&l, &l_bar);
        assert_eq!(a_bar, a_bar.lower_triangle());
        let error = (forward - da.dot(&a_bar)).abs();
        assert!(error <= 1e-12 * (1.0 + forward.abs()), "{n}");
    }
}

#[test]
fn cholesky_derivatives_read_lower_triangles_only() {
    let (mut a, mut da, mut l_bar) = (positive_definite(5), mixed(5, 5, 1), mixed(5, 5, 2));
    a.fill_upper_triangle(f64::NAN, 1);
    let cholesky = a.cholesky().unwrap();
    let l = cholesky.l();
    let (tangent, adjoint) = (cholesky_tangent(&l, &da), cholesky_adjoint(&l, &l_bar));
    da.fill_upper_triangle(f64::NAN, 1);
    l_bar.fill_upper_triangle(f64::NAN, 1);
    assert_eq!(cholesky_tangent(cholesky.l_dirty(), &da), tangent);
    assert_eq!(cholesky_adjoint(cholesky.l_dirty(), &l_bar), adjoint);
}

#[test]
fn cholesky_derivatives_of_static_and_single_precision_matrices() {
    let a = Matrix3::new(4.0_f32, 0.0, 0.0, 2.0, 5.0, 0.0, 1.0, 3.0, 6.0);
    let l = a.cholesky().unwrap().l();
    let da = Matrix3::from_fn(|i, j| (i + 2 * j) as f32);
    let l_bar = Matrix3::from_fn(|i, j| (i * j) as f32 + 1.0);
    let forward = cholesky_tangent(&l, &da).dot(&l_bar);
    let reverse = da.dot(&cholesky_adjoint(&l, &l_bar));
    assert!((forward - reverse).abs() < 1e-4);

    // Of a 1 by 1 matrix: d√a = da / (2 √a).
    let (l, one) = (
        SMatrix::<f64, 1, 1>::new(2.0),
        SMatrix::<f64, 1, 1>::new(1.0),
    );
    assert_eq!(cholesky_tangent(&l, &one)[0], 0.25);
    assert_eq!(cholesky_adjoint(&l, &one)[0], 0.25);
}

// Generic callers

/// Compiles without a `where` clause: what generated code generic over a size relies on.
fn generic_in_size<T: RealField + Copy, const N: usize>(a: &SMatrix<T, N, N>) -> T {
    let total: OMatrix<T, Const<N>, Const<N>> = tr_mul(a, a)
        + mul_tr(a, a)
        + cofactors(a)
        + cofactors_tangent(a, a)
        + cofactors_along(a, &[*a, *a])
        + inverse_transpose(a)
        + symmetric_from_lower(a)
        + fold_lower(a)
        + cholesky_tangent(a, a)
        + cholesky_adjoint(a, a);
    let _ = (argmax(a), argmin(a), arg_abs_max(a), arg_abs_min(a));
    let column = a.column(0);
    let _ = (mul_tr(&column, &column), tr_mul(a, &column));
    sum(&total) * sign(a[0]) * recip_or_zero(a[0]) * powi_slope(a[0], 2, 1)
}

/// The same for any dimension, with the bounds of the products alone.
fn generic_in_dimension<T: RealField + Copy, D: Dim>(a: &OMatrix<T, D, D>) -> T
where
    DefaultAllocator: Allocator<D, D>,
{
    sum(&(tr_mul(a, a) + mul_tr(a, a) + fold_lower(&symmetric_from_lower(a))))
}

#[test]
fn callers_generic_over_size_and_scalar() {
    assert!(generic_in_size(&Matrix2::new(2.0_f64, 1.0, 1.0, 3.0)).is_finite());
    assert!(generic_in_size(&Matrix5::<f32>::identity()).is_finite());
    assert_eq!(generic_in_dimension(&Matrix3::<f32>::identity()), 9.0);
    assert_eq!(generic_in_dimension(&DMatrix::<f64>::identity(2, 2)), 6.0);
}

/// cₖ = 1/k! − x cₖ₊₂, near zero and far, and the values at zero.
#[test]
fn stumpff_functions() {
    let mut factorial = 1.0;
    for k in 0..8_u32 {
        factorial *= f64::from(k.max(1));
        assert_eq!(stumpff(0.0, k), 1.0 / factorial);
        for x in [
            1e-300, 1e-9, 1e-3, 0.3, 2.5, 9.9, 10.1, 37.0, 400.0, -0.2, -9.0, -11.0, -50.0,
        ] {
            let (low, high) = (stumpff(x, k), stumpff(x, k + 2));
            let expected = 1.0 / factorial - x * high;
            let size = (x * high).abs().max(1.0 / factorial);
            assert!(
                (low - expected).abs() <= 4e-15 * size,
                "c{k}({x}): {low} {expected}"
            );
        }
        // The derivative, by the law of the book.
        let slope = (stumpff(0.7 + 1e-5, k) - stumpff(0.7 - 1e-5, k)) / 2e-5;
        let law = -0.5 * (stumpff(0.7, k + 1) - f64::from(k) * stumpff(0.7, k + 2));
        assert!((slope - law).abs() < 1e-10);
    }
    assert!(stumpff(f64::NAN, 2).is_nan());
    // 1 − cos x has no digits left here.
    assert_eq!(stumpff(1e-20, 2), 0.5);
}

/// 2 s A⁽ᵏ⁺¹⁾ + (2k + 1) A⁽ᵏ⁾ = (−1)ᵏ k! w/(s + w²)ᵏ⁺¹
#[test]
fn ratios_of_arcs() {
    for (s, w) in [
        (0.0, 1.0),
        (1e-18, 1.0),
        (0.01, 0.9),
        (0.2, 0.9),
        (0.24, 0.98),
        (0.26, 1.0),
        (0.9, 0.1),
        (0.5, -0.7),
    ] {
        let mut right = w / (s + w * w);
        for k in 0..5_u32 {
            let (value, next) = (arc_ratio(s, w, k), arc_ratio(s, w, k + 1));
            let left = 2.0 * s * next + f64::from(2 * k + 1) * value;
            assert!(
                (left - right).abs() <= 1e-12 * right.abs().max(left.abs()).max(value.abs()),
                "{k} {s} {w}: {left} {right}"
            );
            right *= -f64::from(k + 1) / (s + w * w);
        }
    }
    assert_eq!(arc_ratio(0.0, 1.0, 0), 1.0);
    assert!((arc_ratio(0.25, 0.5, 0) - std::f64::consts::FRAC_PI_2).abs() < 1e-15);
}
