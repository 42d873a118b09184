//! What generated code calls where a single call of nalgebra would be slow, inaccurate or undefined.
//!
//! Not part of the public interface: names and signatures follow the macro's needs.
//!
//! Every function works on static, dynamic and borrowed matrices alike. The bounds on `DefaultAllocator` hold for
//! every `Const<N>` and for `Dyn`, so that code generic over `const N: usize` needs no `where` clause to call them.
//!
//! One rule holds throughout: **no operand whose rows are not adjacent in memory reaches `axpy`, `gemv`, `ger` or
//! the left side of a product.** nalgebra 0.35 runs past the end of such an operand
//! (<https://github.com/dimforge/nalgebra/issues/1616>), which corrupts memory from safe code. `dot`, `tr_mul`,
//! `clone_owned` and the right side of a product are sound for every stride.

use nalgebra::allocator::Allocator;
use nalgebra::constraint::{
    AreMultipliable, DimEq, SameNumberOfColumns, SameNumberOfRows, ShapeConstraint,
};
use nalgebra::{
    ComplexField, Const, DMatrix, DVector, DefaultAllocator, Dim, DimMin, Dyn, IsContiguous, LU,
    Matrix, MatrixView, OMatrix, OVector, PermutationSequence, RawStorage, RealField, SVector,
    Storage, StorageMut, Vector,
};
use std::any::TypeId;
use std::cmp::Ordering;

mod lists;
mod rotations;
pub use lists::*;
pub use rotations::*;

// ---------------------------------------------------------------------------------------------------------------
// Scalars

/// The derivative of `|x|`: `±1`, at zero 0, for NaN NaN.
#[inline]
#[must_use]
pub fn sign<T: RealField + Copy>(x: T) -> T {
    if x > T::zero() {
        T::one()
    } else if x < T::zero() {
        -T::one()
    } else if x.is_zero() {
        T::zero()
    } else {
        x
    }
}

/// `1 / x`, but 0 at `x == 0`: what turns `x` into the direction of `x` where a norm may vanish.
#[inline]
#[must_use]
pub fn recip_or_zero<T: RealField + Copy>(x: T) -> T {
    if x.is_zero() { T::zero() } else { x.recip() }
}

/// The derivative of `xⁿ` of the given order: `n (n − 1) … (n − order + 1) · xⁿ⁻ᵒʳᵈᵉʳ`.
///
/// Where the factor vanishes so does the derivative, whatever `x` is: `x²` has third derivative 0 at 0 too.
#[must_use]
pub fn powi_slope<T: RealField + Copy>(x: T, n: i32, order: u32) -> T {
    let n = i64::from(n);
    let order = i64::from(order);
    if (0..order).contains(&n) {
        return T::zero();
    }
    // The factors are whole numbers, exact in an f64.
    #[allow(clippy::cast_precision_loss)]
    let factor: f64 = (0..order).map(|k| (n - k) as f64).product();
    let factor: T = nalgebra::convert(factor);

    // n − order may lie below what an i32 holds. Both parts have the same sign, so that they never end in 0 · ∞.
    let exponent = n - order;
    let within = exponent.max(i64::from(i32::MIN));
    let rest = exponent - within;
    let power = |k: i64| x.powi(i32::try_from(k).unwrap_or(i32::MIN));
    if rest == 0 {
        factor * power(within)
    } else {
        factor * power(within) * power(rest)
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Reductions

/// The sum of the entries, in several partial sums: up to fifteen times as fast as nalgebra's `sum`, and with
/// smaller rounding errors.
#[inline]
#[must_use]
pub fn sum<T, R, C, S>(m: &Matrix<T, R, C, S>) -> T
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
{
    let (nrows, ncols) = m.shape_generic();
    if nrows.value() < 8 && ncols.value() > 8 {
        // Columns too short for the eight lanes below: four partial sums that take turns.
        let lanes = m.fold([T::zero(); 4], |[first, rest @ ..], x| {
            [rest[0], rest[1], rest[2], first + x]
        });
        return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    }
    // nalgebra's `dot` runs in eight lanes, for every storage. The matrix of ones is a single one, seen with strides
    // of zero.
    let one = [T::one()];
    let ones: MatrixView<'_, T, R, C, Const<0>, Const<0>> =
        MatrixView::from_slice_with_strides_generic(&one, nrows, ncols, Const, Const);
    m.dot(&ones)
}

/// The index of the entry that `m.max()` returns: at ties the first in column-major order.
///
/// Like `max` it compares with `>=` and so forgets all that comes before a NaN. Of an empty matrix, whose `max()` is
/// the constant 0, it is `(0, 0)`, an entry that does not exist: write through `get_mut`.
#[inline]
#[must_use]
pub fn argmax<T, R, C, S>(m: &Matrix<T, R, C, S>) -> (usize, usize)
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
{
    selected(m, |x| x, |kept, x| kept >= x)
}

/// The index of the entry that `m.min()` returns. Ties, NaN and empty matrices as in [`argmax`].
#[inline]
#[must_use]
pub fn argmin<T, R, C, S>(m: &Matrix<T, R, C, S>) -> (usize, usize)
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
{
    selected(m, |x| x, |kept, x| kept <= x)
}

/// The index of the entry whose absolute value `m.amax()` returns. Ties, NaN and empty matrices as in [`argmax`].
#[inline]
#[must_use]
pub fn arg_abs_max<T, R, C, S>(m: &Matrix<T, R, C, S>) -> (usize, usize)
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
{
    selected(m, ComplexField::abs, |kept, x| kept >= x)
}

/// The index of the entry whose absolute value `m.amin()` returns. Ties, NaN and empty matrices as in [`argmax`].
#[inline]
#[must_use]
pub fn arg_abs_min<T, R, C, S>(m: &Matrix<T, R, C, S>) -> (usize, usize)
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
{
    selected(m, ComplexField::abs, |kept, x| kept <= x)
}

/// The index of the entry that is left when each entry replaces the one kept so far unless `keep(kept, entry)`.
#[inline]
fn selected<T, R, C, S>(
    m: &Matrix<T, R, C, S>,
    key: impl Fn(T) -> T,
    keep: impl Fn(T, T) -> bool,
) -> (usize, usize)
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
{
    if m.is_empty() {
        return (0, 0);
    }
    let mut best = (0, 0);
    let mut kept = key(m[(0, 0)]);
    for j in 0..m.ncols() {
        for i in 0..m.nrows() {
            let x = key(m[(i, j)]);
            // The first entry meets itself here, which changes nothing.
            if !keep(kept, x) {
                kept = x;
                best = (i, j);
            }
        }
    }
    best
}

// ---------------------------------------------------------------------------------------------------------------
// Products

/// The transpose of a matrix, without a copy.
fn transposed<T: RealField, R: Dim, C: Dim, S>(
    m: &Matrix<T, R, C, S>,
) -> MatrixView<'_, T, C, R, R, Const<1>>
where
    S: RawStorage<T, R, C> + IsContiguous,
{
    let (rows, columns) = m.shape_generic();
    MatrixView::from_slice_with_strides_generic(m.as_slice(), columns, rows, rows, Const::<1>)
}

/// `Aᵀ B`, by whichever of nalgebra's ways is the fastest for the sizes at hand.
///
/// # Panics
/// If the numbers of rows differ.
#[inline]
#[must_use]
pub fn tr_mul<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) -> OMatrix<T, C1, C2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1> + IsContiguous,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<C1, C2> + Allocator<C1, R1>,
    ShapeConstraint: SameNumberOfRows<R1, R2>,
{
    tr_mul_by(a, b, || transposed(a) * b)
}

/// [`tr_mul`] of an `A` of which nothing tells that its entries are adjacent in memory.
///
/// # Panics
/// If the numbers of rows differ.
#[inline]
#[must_use]
pub fn tr_mul_of_view<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) -> OMatrix<T, C1, C2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<C1, C2> + Allocator<C1, R1>,
    ShapeConstraint: SameNumberOfRows<R1, R2>,
{
    tr_mul_by(a, b, || a.transpose() * b)
}

/// `Aᵀ B`: by `large` where matrixmultiply does it, which takes a left side with gaps between its rows.
#[inline]
fn tr_mul_by<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
    large: impl FnOnce() -> OMatrix<T, C1, C2>,
) -> OMatrix<T, C1, C2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<C1, C2> + Allocator<C1, R1>,
    ShapeConstraint: SameNumberOfRows<R1, R2>,
{
    let (inner, rows, columns) = (a.nrows(), a.ncols(), b.ncols());
    assert!(
        inner == b.nrows(),
        "Matrix multiplication dimensions mismatch {:?} and {:?}: left rows != right rows.",
        a.shape(),
        b.shape()
    );
    if is_static::<R1, C1>() && is_static::<R2, C2>() {
        return if pays_for_gemm_of_static::<T>(inner, rows, columns) {
            dynamic_product(&a.transpose(), b)
        } else if inner == 8 {
            // A column fills the eight lanes of nalgebra's dot product exactly.
            a.tr_mul(b)
        } else {
            a.transpose() * b
        };
    }
    // One dot product an entry is the best for few entries, a true product for many.
    if rows * columns < 64 {
        a.tr_mul(b)
    } else if inner <= 5 {
        a.transpose() * b
    } else if uses_gemm::<T>(inner, rows, columns) && inner * rows * columns >= 800 {
        large()
    } else {
        a.tr_mul(b)
    }
}

/// `A Bᵀ`, by whichever of nalgebra's ways is the fastest for the sizes at hand.
///
/// # Panics
/// If the numbers of columns differ.
#[inline]
#[must_use]
pub fn mul_tr<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) -> OMatrix<T, R1, R2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2> + IsContiguous,
    DefaultAllocator: Allocator<R1, R2> + Allocator<C2, R2>,
    ShapeConstraint: SameNumberOfColumns<C1, C2>,
{
    mul_tr_by(a, b, || a * transposed(b))
}

/// [`mul_tr`] by a `B` of which nothing tells that its entries are adjacent in memory.
///
/// # Panics
/// If the numbers of columns differ.
#[inline]
#[must_use]
pub fn mul_tr_of_view<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) -> OMatrix<T, R1, R2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R1, R2> + Allocator<C2, R2>,
    ShapeConstraint: SameNumberOfColumns<C1, C2>,
{
    mul_tr_by(a, b, || a * b.transpose())
}

/// `A Bᵀ`: by `large` where matrixmultiply does it.
#[inline]
fn mul_tr_by<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
    large: impl FnOnce() -> OMatrix<T, R1, R2>,
) -> OMatrix<T, R1, R2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R1, R2> + Allocator<C2, R2>,
    ShapeConstraint: SameNumberOfColumns<C1, C2>,
{
    let (inner, rows, columns) = (a.ncols(), a.nrows(), b.nrows());
    assert!(
        inner == b.ncols(),
        "Matrix multiplication dimensions mismatch {:?} and {:?}: left columns != right columns.",
        a.shape(),
        b.shape()
    );
    if rows > 1 && a.strides().0 != 1 {
        return mul_tr_with_gaps(a, b);
    }
    if is_static::<R1, C1>() && is_static::<R2, C2>() {
        return if pays_for_gemm_of_static::<T>(inner, rows, columns) {
            dynamic_product(a, &b.transpose())
        } else if rows > 5 {
            sum_of_outer_products(a, b)
        } else {
            a * b.transpose()
        };
    }
    if inner <= 5 && rows * columns >= 1000 {
        a * b.transpose()
    } else if uses_gemm::<T>(inner, rows, columns) && inner * rows * columns > 1000 {
        large()
    } else {
        sum_of_outer_products(a, b)
    }
}

/// `A Bᵀ` column by column, without a copy of `B`.
#[inline]
fn sum_of_outer_products<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) -> OMatrix<T, R1, R2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R1, R2>,
{
    let mut product = OMatrix::zeros_generic(a.shape_generic().0, b.shape_generic().0);
    for k in 0..a.ncols() {
        product.ger(T::one(), &a.column(k), &b.column(k), T::one());
    }
    product
}

/// `A Bᵀ` for an `A` with gaps between its rows: see the rule at the top of this file.
#[cold]
fn mul_tr_with_gaps<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) -> OMatrix<T, R1, R2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R1, R2>,
    ShapeConstraint: SameNumberOfColumns<C1, C2>,
{
    let (rows, columns) = (a.shape_generic().0, b.shape_generic().0);
    OMatrix::from_fn_generic(rows, columns, |i, j| a.row(i).dot(&b.row(j)))
}

/// Whether both dimensions are known at compile time.
#[inline]
fn is_static<R: Dim, C: Dim>() -> bool {
    R::try_to_usize().is_some() && C::try_to_usize().is_some()
}

/// Whether nalgebra hands a product of these sizes, with one of them dynamic, to matrixmultiply.
#[inline]
fn uses_gemm<T: 'static>(inner: usize, rows: usize, columns: usize) -> bool {
    let ty = TypeId::of::<T>();
    let known = ty == TypeId::of::<f64>() || ty == TypeId::of::<f32>();
    known && inner > 5 && rows > 5 && columns > 5
}

/// nalgebra multiplies matrices of static size by plain loops, which lose to matrixmultiply from 16 by 16 on.
#[inline]
fn pays_for_gemm_of_static<T: 'static>(inner: usize, rows: usize, columns: usize) -> bool {
    uses_gemm::<T>(inner, rows, columns) && inner * rows * columns >= 16 * 16 * 16
}

/// `A B` for static sizes by way of nalgebra's product for dynamic sizes.
fn dynamic_product<T, R1, C1, S1, R2, C2, S2>(
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) -> OMatrix<T, R1, C2>
where
    T: RealField + Copy,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R1, C2>,
{
    let mut product = OMatrix::zeros_generic(a.shape_generic().0, b.shape_generic().1);
    let shape = product.shape();
    product.view_mut((0, 0), shape).gemm(
        T::one(),
        &a.view((0, 0), a.shape()),
        &b.view((0, 0), b.shape()),
        T::zero(),
    );
    product
}

/// The image of every column under `f`, which takes a column as a matrix of the given shape and gives a matrix of as
/// many entries as told.
///
/// # Panics
/// If a column or an image has another number of entries.
#[must_use]
pub fn each_column<T, R, C, S, R1, C1, R2, R3, C3>(
    m: &Matrix<T, R, C, S>,
    (rows, columns): (R1, C1),
    entries: R2,
    f: impl Fn(&OMatrix<T, R1, C1>) -> OMatrix<T, R3, C3>,
) -> OMatrix<T, R2, C>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    R3: Dim,
    C3: Dim,
    DefaultAllocator: Allocator<R1, C1> + Allocator<R2, C> + Allocator<R3, C3>,
{
    assert_eq!(m.nrows(), rows.value() * columns.value());
    let mut images = OMatrix::zeros_generic(entries, m.shape_generic().1);
    for (column, mut image) in m.column_iter().zip(images.column_iter_mut()) {
        let value = f(&OMatrix::from_iterator_generic(
            rows,
            columns,
            column.iter().copied(),
        ));
        assert_eq!(image.nrows(), value.len());
        for (entry, value) in image.iter_mut().zip(value.iter()) {
            *entry = *value;
        }
    }
    images
}

// ---------------------------------------------------------------------------------------------------------------
// Determinants and solves

/// The cofactor matrix: the gradient of the determinant. Defined and accurate for singular matrices too.
///
/// Closed form to 3 by 3. Beyond, `Pivoted` has it without dividing by what vanishes in a singular matrix.
///
/// # Panics
/// If the matrix is not square, as `determinant` does.
#[inline]
#[must_use]
pub fn cofactors<T, D, S>(a: &Matrix<T, D, D, S>) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    assert!(
        a.is_square(),
        "Unable to compute the cofactors of a non-square matrix."
    );
    if a.nrows() > 3 {
        let Pivoted { mut x, product, .. } = Pivoted::new(a);
        x *= product;
        return x;
    }
    let (dim, _) = a.shape_generic();
    OMatrix::from_fn_generic(dim, dim, |i, j| match a.nrows() {
        1 => T::one(),
        2 => {
            let minor = a[(1 - i, 1 - j)];
            if i == j { minor } else { -minor }
        }
        _ => {
            // Cyclic neighbours carry the sign (−1)ⁱ⁺ʲ along.
            let (i1, i2) = ((i + 1) % 3, (i + 2) % 3);
            let (j1, j2) = ((j + 1) % 3, (j + 2) % 3);
            a[(i1, j1)] * a[(i2, j2)] - a[(i1, j2)] * a[(i2, j1)]
        }
    })
}

/// `A⁻ᵀ`: the gradient of `ln |det A|`. Infinities and NaN where `A` is singular.
///
/// # Panics
/// If the matrix is not square.
#[inline]
#[must_use]
pub fn inverse_transpose<T, D, S>(a: &Matrix<T, D, D, S>) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    if (1..=3).contains(&a.nrows()) && a.is_square() {
        let mut cofactors = cofactors(a);
        let terms = (0..a.ncols()).map(|j| a[(0, j)] * cofactors[(0, j)]);
        let scale = terms
            .reduce(|sum, term| sum + term)
            .map_or(T::one(), T::recip);
        if scale.is_finite() && scale != T::zero() {
            cofactors *= scale;
            return cofactors;
        }
    } else if let Some(mut inverse) = a.clone_owned().try_inverse()
        && (a.nrows() > 4 || inverse.iter().all(T::is_finite))
    {
        inverse.transpose_mut();
        return inverse;
    }
    // To 4 by 4 nalgebra divides by the determinant, which underflows long before the matrix is singular.
    let Pivoted { mut x, last, .. } = Pivoted::new(a);
    x.apply(|entry| *entry /= last);
    x
}

/// What Gaussian elimination, `P A Q = L U`, tells of a square matrix without dividing by the last pivot `uₙ`, the
/// one that vanishes first as `A` becomes singular.
///
/// With `U X' = uₙ L⁻¹` the division by `uₙ` in the last row of the back substitution cancels, and
///
/// * `A⁻ᵀ = X / uₙ`,
/// * `cof A = det A · A⁻ᵀ = X · ± u₁ u₂ … uₙ₋₁`,
///
/// where `X` is `Q X' P` transposed. The singular value decomposition would do as well, but is slower, iterates (on
/// NaN without end), and asks for bounds that `const N: usize` does not meet.
struct Pivoted<T: RealField, D: Dim>
where
    DefaultAllocator: Allocator<D, D>,
{
    x: OMatrix<T, D, D>,
    /// `± u₁ u₂ … uₙ₋₁`, with the sign of the permutations.
    product: T,
    /// `uₙ`.
    last: T,
}

impl<T: RealField + Copy, D: Dim> Pivoted<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    fn new<S: Storage<T, D, D>>(a: &Matrix<T, D, D, S>) -> Self {
        let (dim, _) = a.shape_generic();
        let constant = |entry: T, last: T| Self {
            x: OMatrix::repeat_generic(dim, dim, entry),
            product: T::one(),
            last,
        };
        if a.is_empty() {
            return constant(T::zero(), T::one());
        }
        if !a.iter().all(T::is_finite) {
            // Comparisons with NaN would choose arbitrary pivots.
            return constant(T::zero() / T::zero(), T::one());
        }
        // Partial pivoting is fast, and good where none but the last pivot is small. Complete pivoting is good
        // always: no entry of a row of U exceeds its pivot, so that X neither overflows nor loses digits, and the
        // pivots that vanish are the last. If even uₙ₋₁ does, the rank is at most n − 2 and no cofactor is left.
        let small = a.amax() * T::default_epsilon().sqrt();
        Self::of(&Eliminated::by_columns(a, small))
            .or_else(|| Self::of(&Eliminated::completely(a)))
            .unwrap_or_else(|| constant(T::zero(), T::zero()))
    }

    /// `None` if a pivot other than the last is not larger than `small`.
    fn of(eliminated: &Eliminated<T, D>) -> Option<Self> {
        let Eliminated {
            lu,
            row_swaps,
            column_swaps,
            complete: true,
        } = eliminated
        else {
            return None;
        };
        let (dim, _) = lu.shape_generic();
        let end = dim.value() - 1;
        let last = lu[(end, end)];

        let mut x = OMatrix::identity_generic(dim, dim);
        row_swaps.permute_rows(&mut x);
        let _ = lu.solve_lower_triangular_with_diag_mut(&mut x, T::one());
        // The last row is solved. Take its share from the right sides of the rows above.
        let last_column = lu.view_range(..end, end);
        for j in 0..=end {
            let mut column = x.column_mut(j);
            let solved = column[end];
            column
                .rows_range_mut(..end)
                .axpy(-solved, &last_column, last);
        }
        let _ = lu
            .view_range(..end, ..end)
            .solve_upper_triangular_mut(&mut x.rows_range_mut(..end));
        column_swaps.inv_permute_rows(&mut x);
        x.transpose_mut();

        let product = (0..end).fold(eliminated.sign(), |product, k| product * lu[(k, k)]);
        Some(Self { x, product, last })
    }
}

/// Gaussian elimination of a matrix with at least one row, `P A Q = L U`.
struct Eliminated<T: RealField, D: Dim>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// `L` without its diagonal of ones, and `U`.
    lu: OMatrix<T, D, D>,
    row_swaps: PermutationSequence<D>,
    column_swaps: PermutationSequence<D>,
    /// Whether it came to the last pivot; if not, what was left had no pivot large enough.
    complete: bool,
}

impl<T: RealField + Copy, D: Dim> Eliminated<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// The largest entry of the column as pivot.
    fn by_columns<S: Storage<T, D, D>>(a: &Matrix<T, D, D, S>, small: T) -> Self {
        Self::new(a, small, |lu, k| (k + lu.view_range(k.., k).icamax(), k))
    }

    /// The largest entry of all that is left as pivot, down to zero: where it ends, only zeros are left.
    fn completely<S: Storage<T, D, D>>(a: &Matrix<T, D, D, S>) -> Self {
        Self::new(a, T::zero(), |lu, k| {
            let (i, j) = arg_abs_max(&lu.view_range(k.., k..));
            (k + i, k + j)
        })
    }

    /// Ends at a pivot, other than the last, that is not larger than `small`. `find_pivot` gets what is left to
    /// eliminate and the number of the step.
    fn new<S: Storage<T, D, D>>(
        a: &Matrix<T, D, D, S>,
        small: T,
        find_pivot: impl Fn(&OMatrix<T, D, D>, usize) -> (usize, usize),
    ) -> Self {
        let (dim, _) = a.shape_generic();
        let mut eliminated = Self {
            lu: a.clone_owned(),
            row_swaps: PermutationSequence::identity_generic(dim),
            column_swaps: PermutationSequence::identity_generic(dim),
            complete: false,
        };
        let lu = &mut eliminated.lu;
        for k in 0..dim.value() - 1 {
            let (i, j) = find_pivot(lu, k);
            eliminated.row_swaps.append_permutation(k, i);
            eliminated.column_swaps.append_permutation(k, j);
            lu.swap_rows(k, i);
            lu.swap_columns(k, j);
            let pivot = lu[(k, k)];
            if pivot.abs() <= small {
                return eliminated;
            }
            let (mut pivot_column, mut rest) = lu.columns_range_pair_mut(k, k + 1..);
            let mut multipliers = pivot_column.rows_range_mut(k + 1..);
            multipliers.apply(|entry| *entry /= pivot);
            for j in 0..rest.ncols() {
                let mut column = rest.column_mut(j);
                let factor = column[k];
                column
                    .rows_range_mut(k + 1..)
                    .axpy(-factor, &multipliers, T::one());
            }
        }
        eliminated.complete = true;
        eliminated
    }

    /// The determinant of the permutations.
    fn sign(&self) -> T {
        self.row_swaps.determinant::<T>() * self.column_swaps.determinant::<T>()
    }
}

/// The derivative of [`cofactors`] along `b`, and so the gradient of `⟨cof A, B⟩`: linear in `B`, and defined for
/// singular matrices too.
///
/// Closed form to 3 by 3. Beyond, `Diagonalized` has it without dividing by what vanishes.
///
/// # Panics
/// If the matrices are not square, or of different sizes.
#[must_use]
pub fn cofactors_tangent<T, D, S1, S2>(
    a: &Matrix<T, D, D, S1>,
    b: &Matrix<T, D, D, S2>,
) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S1: Storage<T, D, D>,
    S2: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    assert_directions(a, b);
    let (dim, _) = a.shape_generic();
    match a.nrows() {
        0 | 1 => OMatrix::zeros_generic(dim, dim),
        2 => cofactors(b),
        3 => OMatrix::from_fn_generic(dim, dim, |i, j| {
            // Cyclic neighbours carry the sign (−1)ⁱ⁺ʲ along.
            let (i1, i2) = ((i + 1) % 3, (i + 2) % 3);
            let (j1, j2) = ((j + 1) % 3, (j + 2) % 3);
            (a[(i1, j1)] * b[(i2, j2)] + b[(i1, j1)] * a[(i2, j2)])
                - (a[(i1, j2)] * b[(i2, j1)] + b[(i1, j2)] * a[(i2, j1)])
        }),
        n => {
            let Some(diagonalized) = Diagonalized::new(a) else {
                return OMatrix::repeat_generic(dim, dim, T::zero() / T::zero());
            };
            // det(D + B) is, in second order, the sum of all bᵢᵢ bⱼⱼ − bᵢⱼ bⱼᵢ times the rest of the diagonal.
            let direction = diagonalized.inward(b);
            let diagonal = &diagonalized.diagonal;
            let mut slope = OMatrix::zeros_generic(dim, dim);
            let mut before = T::one();
            for i in 0..n {
                let mut product = before;
                for j in i + 1..n {
                    let rest = (j + 1..n).fold(product, |rest, k| rest * diagonal[k]);
                    slope[(i, i)] += rest * direction[(j, j)];
                    slope[(j, j)] += rest * direction[(i, i)];
                    slope[(i, j)] = -rest * direction[(j, i)];
                    slope[(j, i)] = -rest * direction[(i, j)];
                    product *= diagonal[j];
                }
                before *= diagonal[i];
            }
            diagonalized.outward(slope)
        }
    }
}

/// The derivative of [`cofactors`] along several directions, one after the other: linear in each, and the same in
/// whatever order they come.
///
/// # Panics
/// If the matrices are not square, or of different sizes.
#[must_use]
pub fn cofactors_along<T, D, S>(
    a: &Matrix<T, D, D, S>,
    directions: &[OMatrix<T, D, D>],
) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    directions.iter().for_each(|b| assert_directions(a, b));
    let (dim, _) = a.shape_generic();
    let (n, order) = (a.nrows(), directions.len());
    if n <= order {
        return OMatrix::zeros_generic(dim, dim);
    }
    let Some(diagonalized) = Diagonalized::new(a) else {
        return OMatrix::repeat_generic(dim, dim, T::zero() / T::zero());
    };
    let inward: Vec<OMatrix<T, D, D>> = directions.iter().map(|b| diagonalized.inward(b)).collect();
    let inward: Vec<&OMatrix<T, D, D>> = inward.iter().collect();
    let mut slope = OMatrix::zeros_generic(dim, dim);
    // det(D + B₁ + …) is, in that order, the sum over all choices of rows of the mixed determinant there, times the
    // rest of the diagonal.
    let mut chosen: Vec<usize> = (0..=order).collect();
    loop {
        let rest = (0..n)
            .filter(|k| !chosen.contains(k))
            .fold(T::one(), |rest, k| rest * diagonalized.diagonal[k]);
        for (p, &i) in chosen.iter().enumerate() {
            for (q, &j) in chosen.iter().enumerate() {
                let (rows, columns) = (without(&chosen, p), without(&chosen, q));
                let minor = rest * mixed_determinant(&rows, &columns, &inward);
                slope[(i, j)] += if (p + q) % 2 == 0 { minor } else { -minor };
            }
        }
        // The next choice, in the order of a dictionary.
        let Some(moved) = (0..=order).rev().find(|&p| chosen[p] < n + p - order - 1) else {
            return diagonalized.outward(slope);
        };
        let first = chosen[moved] + 1 - moved;
        (moved..=order).for_each(|p| chosen[p] = first + p);
    }
}

/// The part of the determinant of the sum, in these rows and columns, that takes a row from each of the matrices.
fn mixed_determinant<T, D>(rows: &[usize], columns: &[usize], of: &[&OMatrix<T, D, D>]) -> T
where
    T: RealField + Copy,
    D: Dim,
    DefaultAllocator: Allocator<D, D>,
{
    let Some((&row, rows)) = rows.split_first() else {
        return T::one();
    };
    let mut sum = T::zero();
    for (p, &column) in columns.iter().enumerate() {
        let columns = without(columns, p);
        for (k, matrix) in of.iter().enumerate() {
            let minor = mixed_determinant(rows, &columns, &without(of, k));
            let term = matrix[(row, column)] * minor;
            sum += if p % 2 == 0 { term } else { -term };
        }
    }
    sum
}

fn without<U: Copy>(all: &[U], at: usize) -> Vec<U> {
    [&all[..at], &all[at + 1..]].concat()
}

fn assert_directions<T, D, S1, S2>(a: &Matrix<T, D, D, S1>, b: &Matrix<T, D, D, S2>)
where
    T: RealField + Copy,
    D: Dim,
    S1: Storage<T, D, D>,
    S2: Storage<T, D, D>,
{
    assert!(
        a.is_square(),
        "Unable to compute the cofactors of a non-square matrix."
    );
    assert_eq!(
        a.shape(),
        b.shape(),
        "Cofactors: a matrix and its derivative differ in shape."
    );
}

/// `P A Q = L D R` by elimination with complete pivoting: `D` diagonal, of any rank, and `L` and `Rᵀ` lower triangular
/// with ones on their diagonals and nothing larger below.
///
/// What the determinant is of `A` it is of `D` but for the sign of the permutations, so that every derivative of it by
/// `A` is one by `D`, where it is a sum of products of entries.
struct Diagonalized<T: RealField, D: Dim>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    eliminated: Eliminated<T, D>,
    left: OMatrix<T, D, D>,
    right_transposed: OMatrix<T, D, D>,
    diagonal: OVector<T, D>,
}

impl<T: RealField + Copy, D: Dim> Diagonalized<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// `None` for a matrix that is not finite.
    fn new<S: Storage<T, D, D>>(a: &Matrix<T, D, D, S>) -> Option<Self> {
        if !a.iter().all(T::is_finite) {
            // Comparisons with NaN would choose arbitrary pivots.
            return None;
        }
        let eliminated = Eliminated::completely(a);
        let (lu, (dim, _)) = (&eliminated.lu, a.shape_generic());
        let left = OMatrix::from_fn_generic(dim, dim, |i, j| match i.cmp(&j) {
            Ordering::Less => T::zero(),
            Ordering::Equal => T::one(),
            Ordering::Greater => lu[(i, j)],
        });
        let right_transposed = OMatrix::from_fn_generic(dim, dim, |i, j| match i.cmp(&j) {
            Ordering::Less => T::zero(),
            Ordering::Equal => T::one(),
            // Where the pivot is zero, so is all that is left.
            Ordering::Greater if lu[(j, j)].is_zero() => T::zero(),
            Ordering::Greater => lu[(j, i)] / lu[(j, j)],
        });
        let diagonal = lu.diagonal();
        Some(Self {
            eliminated,
            left,
            right_transposed,
            diagonal,
        })
    }

    /// `L⁻¹ P B Q R⁻¹`: a change of `A` as one of `D`.
    fn inward<S: Storage<T, D, D>>(&self, b: &Matrix<T, D, D, S>) -> OMatrix<T, D, D> {
        let mut b = b.clone_owned();
        self.eliminated.row_swaps.permute_rows(&mut b);
        self.eliminated.column_swaps.permute_columns(&mut b);
        self.left.solve_lower_triangular_unchecked_mut(&mut b);
        b.transpose_mut();
        self.right_transposed
            .solve_lower_triangular_unchecked_mut(&mut b);
        b.transpose_mut();
        b
    }

    /// `± Pᵀ L⁻ᵀ G R⁻ᵀ Qᵀ`: a gradient by `D` as one by `A`.
    fn outward(&self, mut g: OMatrix<T, D, D>) -> OMatrix<T, D, D> {
        self.left.tr_solve_lower_triangular_unchecked_mut(&mut g);
        g.transpose_mut();
        self.right_transposed
            .tr_solve_lower_triangular_unchecked_mut(&mut g);
        g.transpose_mut();
        self.eliminated.row_swaps.inv_permute_rows(&mut g);
        self.eliminated.column_swaps.inv_permute_columns(&mut g);
        g *= self.eliminated.sign();
        g
    }
}

/// The solution of `Aᵀ X = G`, where `lu` is the decomposition of `A`: the adjoint of `lu.solve`.
///
/// Infinities and NaN where `A` is singular, of which the forward solution has told already.
///
/// # Panics
/// If `A` is not square or has another number of rows than `G`.
#[must_use]
pub fn lu_tr_solve<T, D, R, C, S>(lu: &LU<T, D, D>, g: &Matrix<T, R, C, S>) -> OMatrix<T, R, C>
where
    T: RealField + Copy,
    D: DimMin<D, Output = D>,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<R, C>,
    ShapeConstraint: SameNumberOfRows<R, D>,
{
    // Both factors in one matrix, as `solve` reads them. The public `l` and `u` would copy it twice, which costs
    // several times the solution itself.
    let factors = lu.lu_internal();
    let n = factors.nrows();
    assert!(
        factors.is_square(),
        "LU solve: unable to solve a non-square system."
    );
    assert_eq!(n, g.nrows(), "LU solve matrix dimension mismatch.");

    // P A = L U, hence Uᵀ Lᵀ P x = g.
    let mut x = g.clone_owned();
    factors.tr_solve_upper_triangular_unchecked_mut(&mut x);
    for mut column in x.column_iter_mut() {
        // Lᵀ has a diagonal of ones, which nalgebra's transposed solution cannot assume.
        for i in (0..n).rev() {
            let below = factors
                .view_range(i + 1.., i)
                .dot(&column.view_range(i + 1.., 0));
            column[i] -= below;
        }
    }
    lu.p().inv_permute_rows(&mut x);
    x
}

// ---------------------------------------------------------------------------------------------------------------
// Symmetric matrices and Cholesky's factor

/// The matrix of `f(aᵢⱼ, aⱼᵢ)`. It goes through the matrix block by block, so that a column and a row are both near.
///
/// # Panics
/// If the matrix is not square.
#[must_use]
pub fn with_mirrored<T, S>(a: &Matrix<T, Dyn, Dyn, S>, f: impl Fn(T, T) -> T) -> DMatrix<T>
where
    T: RealField + Copy,
    S: RawStorage<T, Dyn, Dyn>,
{
    const BLOCK: usize = 16;
    let n = a.nrows();
    assert_eq!(n, a.ncols());
    let mut entries = DMatrix::zeros(n, n);
    for left in (0..n).step_by(BLOCK) {
        for top in (left..n).step_by(BLOCK) {
            for j in left..n.min(left + BLOCK) {
                for i in top.max(j)..n.min(top + BLOCK) {
                    let (below, above) = (a[(i, j)], a[(j, i)]);
                    entries[(i, j)] = f(below, above);
                    entries[(j, i)] = f(above, below);
                }
            }
        }
    }
    entries
}

/// The symmetric matrix that has the lower triangle of `a`.
///
/// # Panics
/// If the matrix is not square.
#[must_use]
pub fn symmetric_from_lower<T, D, S>(a: &Matrix<T, D, D, S>) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D>,
{
    let mut symmetric = a.clone_owned();
    symmetric.fill_upper_triangle_with_lower_triangle();
    symmetric
}

/// The adjoint of [`symmetric_from_lower`]: the lower triangle of `S + Sᵀ` with the diagonal of `S` itself.
///
/// # Panics
/// If the matrix is not square.
#[must_use]
pub fn fold_lower<T, D, S>(s: &Matrix<T, D, D, S>) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D>,
{
    assert!(s.is_square(), "The input matrix should be square.");
    let mut folded = s.clone_owned();
    for j in 0..s.ncols() {
        for i in 0..j {
            folded[(i, j)] = T::zero();
        }
        for i in j + 1..s.nrows() {
            folded[(i, j)] += s[(j, i)];
        }
    }
    folded
}

/// The tangent of Cholesky's factor: `dL = L Φ(L⁻¹ dA L⁻ᵀ)`, where `Φ` takes the lower triangle with the diagonal
/// halved.
///
/// Of `l` (so `l_dirty()` will do) and of `da` only the lower triangles are read, as the factorisation does.
///
/// # Panics
/// If a matrix is not square, or the sizes differ.
#[must_use]
pub fn cholesky_tangent<T, D, S1, S2>(
    l: &Matrix<T, D, D, S1>,
    da: &Matrix<T, D, D, S2>,
) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S1: Storage<T, D, D>,
    S2: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D>,
{
    assert_same_shape(l, da);
    let l = l.lower_triangle();
    let mut inner = symmetric_from_lower(da);
    l.solve_lower_triangular_unchecked_mut(&mut inner);
    inner.transpose_mut();
    l.solve_lower_triangular_unchecked_mut(&mut inner);
    l * halved_lower_triangle(inner)
}

/// The adjoint of [`cholesky_tangent`]: `fold_lower(L⁻ᵀ Φ(Lᵀ L̄) L⁻¹)`.
///
/// Of `l` and of `l_bar` only the lower triangles are read; the result is zero above its diagonal.
///
/// # Panics
/// If a matrix is not square, or the sizes differ.
#[must_use]
pub fn cholesky_adjoint<T, D, S1, S2>(
    l: &Matrix<T, D, D, S1>,
    l_bar: &Matrix<T, D, D, S2>,
) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    S1: Storage<T, D, D>,
    S2: Storage<T, D, D>,
    DefaultAllocator: Allocator<D, D>,
{
    assert_same_shape(l, l_bar);
    let l = l.lower_triangle();
    let mut a_bar = halved_lower_triangle(tr_mul(&l, &l_bar.lower_triangle()));
    // nalgebra's transposed solution takes nearly twice as long as its plain one.
    let l_transposed = l.transpose();
    l_transposed.solve_upper_triangular_unchecked_mut(&mut a_bar);
    a_bar.transpose_mut();
    l_transposed.solve_upper_triangular_unchecked_mut(&mut a_bar);
    // Transposed by now, which folding does not see.
    fold_lower(&a_bar)
}

/// `Φ`: the lower triangle with its diagonal halved. Its own adjoint.
fn halved_lower_triangle<T, D>(mut m: OMatrix<T, D, D>) -> OMatrix<T, D, D>
where
    T: RealField + Copy,
    D: Dim,
    DefaultAllocator: Allocator<D, D>,
{
    m.fill_upper_triangle(T::zero(), 1);
    let half: T = nalgebra::convert(0.5);
    for i in 0..m.nrows() {
        m[(i, i)] *= half;
    }
    m
}

fn assert_same_shape<T, D, S1, S2>(l: &Matrix<T, D, D, S1>, other: &Matrix<T, D, D, S2>)
where
    T: RealField + Copy,
    D: Dim,
    S1: Storage<T, D, D>,
    S2: Storage<T, D, D>,
{
    assert!(l.is_square(), "The input matrix must be square.");
    assert_eq!(
        l.shape(),
        other.shape(),
        "Cholesky: the factor and its derivative differ in shape."
    );
}

// ---------------------------------------------------------------------------------------------------------------
// Types

pub use std::borrow::ToOwned;

/// The entry that a reduction selects; of an empty matrix it selects nothing.
#[inline]
#[must_use]
pub fn entry_or_zero<T, R, C, S>(m: &Matrix<T, R, C, S>, at: (usize, usize)) -> T
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
{
    m.get(at).copied().unwrap_or_else(T::zero)
}

/// Types that are one and the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` was taken for `{Other}`",
    label = "a type of nalgebra's name that is not nalgebra's",
    note = "nalgrad knows the types of nalgebra by their names; call another type by another name"
)]
pub trait Is<Other> {}

impl<T> Is<T> for T {}

/// Compiles only where `A` and `B` are the same type.
#[inline]
pub const fn same<A: Is<B>, B>() {}

/// A zero of the shape of a matrix.
pub fn zeros_like<T, R, C, S>(matrix: &Matrix<T, R, C, S>) -> OMatrix<T, R, C>
where
    T: RealField,
    R: Dim,
    C: Dim,
    S: Storage<T, R, C>,
    DefaultAllocator: Allocator<R, C>,
{
    let (rows, columns) = matrix.shape_generic();
    OMatrix::zeros_generic(rows, columns)
}

/// Never implemented: the argument of a call whose tangent is needed, where the callee gives none.
#[diagnostic::on_unimplemented(
    message = "the tangent of this call is needed, and the rule of its function does not give it",
    label = "called here",
    note = "give `jvp = path` beside `vjp` in the `#[differentiable(…)]` of the function that is called"
)]
pub trait GivenByJvp {}

/// Never implemented: the argument of a call whose pullback is needed, where the callee gives none.
#[diagnostic::on_unimplemented(
    message = "the pullback of this call is needed, and the rule of its function does not give it",
    label = "called here",
    note = "give `vjp = path` beside `jvp` in the `#[differentiable(…)]` of the function that is called"
)]
pub trait GivenByVjp {}

/// Never implemented: the argument of a call whose second derivative is needed, where the callee gives a rule.
#[diagnostic::on_unimplemented(
    message = "a second derivative of this call is needed, and rules of a function's own give the first only",
    label = "called here",
    note = "leave `vjp` and `jvp` out of the `#[differentiable(…)]` of the function that is called, if its body can be differentiated"
)]
pub trait GivenTwice {}

/// Never implemented: the argument of a call of a companion whose next derivative is not known.
#[diagnostic::on_unimplemented(
    message = "this call would need a derivative of higher order than `#[differentiable]` gives",
    label = "called here",
    note = "`#[differentiable]` goes up to the second derivative, with `order = 1` to the first only: ask for more on the function that is called here, as in `#[differentiable(order = 3)]`, and on those that it calls"
)]
pub trait WithinOrder {}

/// Never implemented: the argument of a call of a companion whose next derivative cannot be written.
#[diagnostic::on_unimplemented(
    message = "this call would need a derivative of higher order than there is",
    label = "called here",
    note = "calls have derivatives up to the fourth order, with `order = 4`, and from the third on by numbers, vectors and matrices only: where more is needed, write the body of the function here"
)]
pub trait WithinReach {}

/// Never implemented: the parameter of a companion that is not there.
#[diagnostic::on_unimplemented(
    message = "calls of a derivative by a list or a struct cannot be differentiated yet",
    label = "called in a function that is differentiated",
    note = "let the function that is differentiated once more take numbers, vectors and matrices"
)]
pub trait OfNumbersAndMatrices {}

// ---------------------------------------------------------------------------------------------------------------
// Buffers: what every iteration of a loop computes anew, in memory that is there already. A buffer of another size
// is replaced.

/// A copy of a matrix.
#[inline]
pub fn copy_into<T, R, C, R2, C2, S>(buffer: &mut OMatrix<T, R, C>, matrix: &Matrix<T, R2, C2, S>)
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    R2: Dim,
    C2: Dim,
    S: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R, C>,
    ShapeConstraint: SameNumberOfRows<R, R2> + SameNumberOfColumns<C, C2>,
{
    make_fit(buffer, matrix.shape());
    buffer.copy_from(matrix);
}

/// `A B`, as the operator computes it.
#[inline]
pub fn mul_into<T, R, C, R1, C1, S1, R2, C2, S2>(
    buffer: &mut OMatrix<T, R, C>,
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R, C>,
    ShapeConstraint:
        SameNumberOfRows<R, R1> + SameNumberOfColumns<C, C2> + AreMultipliable<R1, C1, R2, C2>,
{
    make_fit(buffer, (a.nrows(), b.ncols()));
    a.mul_to(b, buffer);
}

/// `Aᵀ B`, as `tr_mul` computes it.
#[inline]
pub fn tr_mul_into<T, R, C, R1, C1, S1, R2, C2, S2>(
    buffer: &mut OMatrix<T, R, C>,
    a: &Matrix<T, R1, C1, S1>,
    b: &Matrix<T, R2, C2, S2>,
) where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    R1: Dim,
    C1: Dim,
    R2: Dim,
    C2: Dim,
    S1: Storage<T, R1, C1>,
    S2: Storage<T, R2, C2>,
    DefaultAllocator: Allocator<R, C>,
    ShapeConstraint: SameNumberOfRows<R1, R2> + DimEq<C1, R> + DimEq<C2, C>,
{
    make_fit(buffer, (a.ncols(), b.ncols()));
    a.tr_mul_to(b, buffer);
}

/// Zeros.
#[inline]
pub fn zeros_into<T, R, C>(buffer: &mut OMatrix<T, R, C>, rows: usize, columns: usize)
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    make_fit(buffer, (rows, columns));
    buffer.fill(T::zero());
}

fn make_fit<T, R, C>(buffer: &mut OMatrix<T, R, C>, (rows, columns): (usize, usize))
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    if buffer.shape() != (rows, columns) {
        *buffer = OMatrix::zeros_generic(R::from_usize(rows), C::from_usize(columns));
    }
}

/// What a loop keeps of its iterations: the entries of matrices, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Kept<T> {
    entries: Vec<T>,
}

/// Where a matrix is kept.
#[derive(Clone, Copy, Debug)]
pub struct Place<R, C> {
    start: usize,
    rows: R,
    columns: C,
}

impl<T: RealField + Copy> Kept<T> {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        let entries = Vec::new();
        Self { entries }
    }

    /// Keeps a matrix.
    #[inline]
    pub fn push<R, C, S>(&mut self, matrix: &Matrix<T, R, C, S>) -> Place<R, C>
    where
        R: Dim,
        C: Dim,
        S: RawStorage<T, R, C> + IsContiguous,
    {
        let place = self.next_place(matrix);
        self.entries.extend_from_slice(matrix.as_slice());
        place
    }

    /// Keeps what may be a part of another matrix.
    pub fn push_view<R, C, S>(&mut self, matrix: &Matrix<T, R, C, S>) -> Place<R, C>
    where
        R: Dim,
        C: Dim,
        S: RawStorage<T, R, C>,
    {
        let place = self.next_place(matrix);
        self.entries.extend(matrix.iter().copied());
        place
    }

    fn next_place<R: Dim, C: Dim, S>(&self, matrix: &Matrix<T, R, C, S>) -> Place<R, C>
    where
        S: RawStorage<T, R, C>,
    {
        let (rows, columns) = matrix.shape_generic();
        Place {
            start: self.entries.len(),
            rows,
            columns,
        }
    }

    /// Forgets all, and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// What is kept there.
    #[inline]
    #[must_use]
    pub fn view<R: Dim, C: Dim>(&self, at: Place<R, C>) -> MatrixView<'_, T, R, C, Const<1>, R> {
        MatrixView::from_slice_generic(&self.entries[at.start..], at.rows, at.columns)
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Lists of matrices

/// Where the entries of each matrix start among all of them.
#[must_use]
pub fn starts<T, R, C, S>(list: &[Matrix<T, R, C, S>]) -> Vec<usize>
where
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    let mut end = 0;
    list.iter()
        .map(|matrix| {
            let start = end;
            end += matrix.len();
            start
        })
        .collect()
}

/// The number of entries of all matrices together.
#[must_use]
pub fn count<T, R, C, S>(list: &[Matrix<T, R, C, S>]) -> usize
where
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    list.iter().map(Matrix::len).sum()
}

/// The entries of all matrices, one after the other, each column by column.
#[must_use]
pub fn entries<T, R, C, S>(list: &[Matrix<T, R, C, S>]) -> DVector<T>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    DVector::from_iterator(count(list), list.iter().flatten().copied())
}

/// The same of an array of matrices of static sizes.
#[must_use]
pub fn entries_of_array<T, R, C, S, const N: usize>(list: &[Matrix<T, R, C, S>]) -> SVector<T, N>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    SVector::from_iterator(list.iter().flatten().copied())
}

/// Matrices of the shapes of others, of their entries one after the other.
#[must_use]
pub fn split<T, R, C>(like: &[OMatrix<T, R, C>], entries: &[T]) -> Vec<OMatrix<T, R, C>>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    let mut entries = entries.iter().copied();
    like.iter()
        .map(|matrix| {
            let (rows, cols) = matrix.shape_generic();
            OMatrix::from_iterator_generic(rows, cols, entries.by_ref().take(matrix.len()))
        })
        .collect()
}

/// The same of an array.
#[must_use]
pub fn split_array<T, R, C, const N: usize>(
    like: &[OMatrix<T, R, C>; N],
    entries: &[T],
) -> [OMatrix<T, R, C>; N]
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    let mut entries = entries.iter().copied();
    std::array::from_fn(|k| {
        let (rows, cols) = like[k].shape_generic();
        OMatrix::from_iterator_generic(rows, cols, entries.by_ref().take(like[k].len()))
    })
}

/// Panics unless two lists have matrices of the same shapes.
pub fn assert_same_shapes<T, R, C, S1, S2>(a: &[Matrix<T, R, C, S1>], b: &[Matrix<T, R, C, S2>])
where
    R: Dim,
    C: Dim,
    S1: RawStorage<T, R, C>,
    S2: RawStorage<T, R, C>,
{
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.shape(), b.shape());
    }
}

/// Zeros in the shapes of the matrices of a list.
#[must_use]
pub fn zeros_of<T, R, C>(like: &[OMatrix<T, R, C>]) -> Vec<OMatrix<T, R, C>>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    like.iter().map(zeros_like).collect()
}

/// The same of an array.
#[must_use]
pub fn zeros_of_array<T, R, C, const N: usize>(
    like: &[OMatrix<T, R, C>; N],
) -> [OMatrix<T, R, C>; N]
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    std::array::from_fn(|k| zeros_like(&like[k]))
}

/// Adds the entries of a matrix, column by column, to a column.
pub fn add_entries<T, D, S1, R, C, S2>(column: &mut Vector<T, D, S1>, matrix: &Matrix<T, R, C, S2>)
where
    T: RealField + Copy,
    D: Dim,
    S1: StorageMut<T, D>,
    R: Dim,
    C: Dim,
    S2: RawStorage<T, R, C>,
{
    assert_eq!(column.len(), matrix.len());
    for (to, from) in column.iter_mut().zip(matrix) {
        *to += *from;
    }
}

/// Subtracts the entries of a matrix, column by column, from a column.
pub fn subtract_entries<T, D, S1, R, C, S2>(
    column: &mut Vector<T, D, S1>,
    matrix: &Matrix<T, R, C, S2>,
) where
    T: RealField + Copy,
    D: Dim,
    S1: StorageMut<T, D>,
    R: Dim,
    C: Dim,
    S2: RawStorage<T, R, C>,
{
    assert_eq!(column.len(), matrix.len());
    for (to, from) in column.iter_mut().zip(matrix) {
        *to -= *from;
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Lists that are passed to functions

/// A list of numbers, the column of whose entries is of this type: static or dynamic.
#[diagnostic::on_unimplemented(
    message = "the function that is called is not differentiated by this list",
    label = "its gradient by it is `{Self}`",
    note = "`#[differentiable(wrt(…))]` names what calls of a function are differentiated by"
)]
pub trait IntoColumn<V> {
    /// The column of its entries.
    fn into_column(self) -> V;
}

impl<T: RealField + Copy> IntoColumn<DVector<T>> for Vec<T> {
    fn into_column(self) -> DVector<T> {
        DVector::from_vec(self)
    }
}

impl<T: RealField + Copy, const N: usize> IntoColumn<SVector<T, N>> for Vec<T> {
    fn into_column(self) -> SVector<T, N> {
        assert_eq!(self.len(), N);
        SVector::from_column_slice(&self)
    }
}

impl<T: RealField + Copy, const N: usize> IntoColumn<SVector<T, N>> for [T; N] {
    fn into_column(self) -> SVector<T, N> {
        SVector::from(self)
    }
}

impl<T: RealField + Copy, const N: usize> IntoColumn<DVector<T>> for [T; N] {
    fn into_column(self) -> DVector<T> {
        DVector::from_column_slice(&self)
    }
}

/// The column of the entries of a list of numbers.
pub fn column<V, L: IntoColumn<V>>(list: L) -> V {
    list.into_column()
}

/// The column of the entries of a list of matrices, or of a struct.
pub fn column_of_entries<V, D: Parameter>(of: &D) -> V
where
    Vec<D::Scalar>: IntoColumn<V>,
{
    of.entries().into_column()
}

/// A column whose entries make a list of this type.
pub trait IntoList<L> {
    /// The list of its entries.
    fn into_list(self) -> L;
}

impl<T: RealField + Copy> IntoList<Vec<T>> for DVector<T> {
    fn into_list(self) -> Vec<T> {
        self.data.into()
    }
}

impl<T: RealField + Copy, const N: usize> IntoList<Vec<T>> for SVector<T, N> {
    fn into_list(self) -> Vec<T> {
        self.as_slice().to_vec()
    }
}

impl<T: RealField + Copy, const N: usize> IntoList<[T; N]> for SVector<T, N> {
    fn into_list(self) -> [T; N] {
        self.data.0[0]
    }
}

impl<'a, T: RealField + Copy> IntoList<&'a [T]> for &'a DVector<T> {
    fn into_list(self) -> &'a [T] {
        self.as_slice()
    }
}

impl<'a, T: RealField + Copy> IntoList<&'a Vec<T>> for &'a DVector<T> {
    fn into_list(self) -> &'a Vec<T> {
        self.data.as_vec()
    }
}

impl<T: RealField + Copy> IntoList<Vec<T>> for &DVector<T> {
    fn into_list(self) -> Vec<T> {
        self.as_slice().to_vec()
    }
}

impl<'a, T: RealField + Copy, const N: usize> IntoList<&'a [T]> for &'a SVector<T, N> {
    fn into_list(self) -> &'a [T] {
        self.as_slice()
    }
}

impl<'a, T: RealField + Copy, const N: usize> IntoList<&'a [T; N]> for &'a SVector<T, N> {
    fn into_list(self) -> &'a [T; N] {
        &self.data.0[0]
    }
}

impl<T: RealField + Copy, const N: usize> IntoList<Vec<T>> for &SVector<T, N> {
    fn into_list(self) -> Vec<T> {
        self.as_slice().to_vec()
    }
}

impl<T: RealField + Copy, const N: usize> IntoList<[T; N]> for &SVector<T, N> {
    fn into_list(self) -> [T; N] {
        self.data.0[0]
    }
}

/// The list of the entries of a column.
pub fn list<L, V: IntoList<L>>(column: V) -> L {
    column.into_list()
}

/// What was there once, and is computed again.
pub trait Again {
    /// The value.
    type Value;
    /// The value, which is there.
    fn there(self) -> Self::Value;
    /// The value, if it is there.
    fn option(self) -> Option<Self::Value>;
}

impl<T> Again for Option<T> {
    type Value = T;
    fn there(self) -> T {
        self.unwrap_or_else(|| panic!("a call gives `None` when it is made again"))
    }
    fn option(self) -> Option<T> {
        self
    }
}

impl<T, E> Again for Result<T, E> {
    type Value = T;
    fn there(self) -> T {
        self.unwrap_or_else(|_| panic!("a call gives an error when it is made again"))
    }
    fn option(self) -> Option<T> {
        self.ok()
    }
}

/// The value of an `Option` or a `Result` that was there the first time.
pub fn there<A: Again>(value: A) -> A::Value {
    value.there()
}

/// The value of an `Option` or a `Result`, if it is there.
pub fn option_of<A: Again>(value: A) -> Option<A::Value> {
    value.option()
}

// ---------------------------------------------------------------------------------------------------------------
// Structs

pub use crate::differentiable::{Member, Parameter, Whole, take};

/// Zero, of the shape of a struct.
pub fn zeros_of_struct<D: Parameter>(like: &D) -> D {
    like.zeros()
}

/// A struct like another, of its entries.
pub fn struct_of<D: Parameter>(like: &D, entries: &DVector<D::Scalar>) -> D {
    like.with_entries(entries)
}

/// Adds a derivative by a part of a struct to that by the struct.
pub fn add_to_field<D: Parameter>(field: &mut D, derivative: &D) {
    field.add_times(nalgebra::one(), derivative);
}

/// A tangent by its entries, zero where it is absent: of a list.
pub fn tangent_of_list<D: Parameter>(like: &[D], entries: Option<&[D::Scalar]>) -> Vec<D> {
    match entries {
        Some(mut entries) => like.iter().map(|e| e.read_entries(&mut entries)).collect(),
        None => like.iter().map(D::zeros).collect(),
    }
}

/// The same of an array.
pub fn tangent_of_array<D: Parameter, const N: usize>(
    like: &[D; N],
    entries: Option<&[D::Scalar]>,
) -> [D; N] {
    match entries {
        Some(mut entries) => std::array::from_fn(|k| like[k].read_entries(&mut entries)),
        None => std::array::from_fn(|k| like[k].zeros()),
    }
}

/// The same of a struct.
pub fn tangent_of_struct<D: Parameter>(like: &D, tangent: Option<&D>) -> D {
    let mut own = like.zeros();
    if let Some(tangent) = tangent {
        add_to_field(&mut own, tangent);
    }
    own
}

/// The number of entries of a struct.
pub fn entries_of_struct<D: Parameter>(of: &D) -> usize {
    of.count()
}

/// How many entries of a struct come before those of a field.
pub fn start<D: Parameter>(of: &D, member: Member) -> usize {
    of.start(member)
}

/// A struct with a field that has a derivative, by the number of its name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no field of this name that can be differentiated by",
    label = "`{Self}` does not derive `Differentiable`, or the field is `#[inert]`",
    note = "`nalgrad::stop_gradient(p.field)` reads a field without its derivative"
)]
pub trait HasField<const NAME: u64>: Parameter {}

impl<const NAME: u64, T, R, C> HasField<NAME> for OMatrix<T, R, C>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
}

macro_rules! tuples_have_fields {
    ($($first:ident $($more:ident)*;)*) => {$(
        impl<const NAME: u64, $first, $($more),*> HasField<NAME> for ($first, $($more),*)
        where
            $first: Parameter,
            $($more: Parameter<Scalar = $first::Scalar>),*
        {
        }
    )*};
}

tuples_have_fields! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

/// Compiles only where the field has a derivative.
#[inline]
pub fn has_field<const NAME: u64, D: HasField<NAME>>(_: &D) {}

/// Only a type itself: a field that was taken for another.
#[diagnostic::on_unimplemented(
    message = "this field is taken for `{As}`, and is `{Self}`",
    label = "`{Self}`, not `{As}`",
    note = "bind it with its type before it is computed with, as in `let w: &DMatrix<f64> = &p.w;`"
)]
pub trait Taken<As> {}

impl<T> Taken<T> for T {}

/// Compiles only where a field has the type that it is taken for.
#[inline]
pub fn taken_for<As, T: Taken<As>>(_: &T) {}
