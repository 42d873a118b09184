//! Lists that functions return, of which the macro knows no length: matrices whose columns are their elements.

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimName, Matrix, OMatrix, RawStorage, RealField};

/// The columns of a matrix, or some of them together, as a list.
#[must_use]
pub fn matrices<T, R, W, C, S>(all: &Matrix<T, R, C, S>) -> Vec<OMatrix<T, R, W>>
where
    T: RealField + Copy,
    R: Dim,
    W: DimName,
    C: Dim,
    S: RawStorage<T, R, C>,
    DefaultAllocator: Allocator<R, W>,
{
    let firsts = (0..all.ncols()).step_by(W::DIM.max(1));
    firsts
        .map(|first| all.columns_generic(first, W::name()).clone_owned())
        .collect()
}

/// The columns of a matrix as lists of numbers.
#[must_use]
pub fn lists<T, R, C, S>(all: &Matrix<T, R, C, S>) -> Vec<Vec<T>>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C>,
{
    all.column_iter()
        .map(|column| column.iter().copied().collect())
        .collect()
}

/// A list of matrices side by side, each with so many rows.
#[must_use]
pub fn side_by_side<T, R, W, C>(list: &[OMatrix<T, R, W>], rows: usize) -> OMatrix<T, R, C>
where
    T: RealField + Copy,
    R: Dim,
    W: DimName,
    C: Dim,
    DefaultAllocator: Allocator<R, W> + Allocator<R, C>,
{
    for matrix in list {
        assert_eq!(matrix.nrows(), rows);
    }
    let (rows, cols) = (R::from_usize(rows), C::from_usize(list.len() * W::DIM));
    OMatrix::from_iterator_generic(rows, cols, list.iter().flatten().copied())
}

/// The same of lists of numbers.
#[must_use]
pub fn lists_side_by_side<T, R, C>(list: &[Vec<T>], rows: usize) -> OMatrix<T, R, C>
where
    T: RealField + Copy,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C>,
{
    for column in list {
        assert_eq!(column.len(), rows);
    }
    let (rows, cols) = (R::from_usize(rows), C::from_usize(list.len()));
    OMatrix::from_iterator_generic(rows, cols, list.iter().flatten().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector, Dyn, Matrix2, U2, Vector2};

    #[test]
    fn there_and_back() {
        let vectors = vec![Vector2::new(1.0, 2.0), Vector2::new(3.0, 4.0)];
        let all: OMatrix<f64, U2, Dyn> = side_by_side(&vectors, 2);
        assert_eq!(all.as_slice(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(matrices::<_, _, nalgebra::U1, _, _>(&all), vectors);
        assert_eq!(
            matrices::<_, _, U2, _, _>(&all),
            [Matrix2::new(1.0, 3.0, 2.0, 4.0)]
        );
        let rows = lists(&all);
        assert_eq!(rows, [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(lists_side_by_side::<_, U2, Dyn>(&rows, 2), all);
    }

    #[test]
    fn of_an_empty_list() {
        let none: DMatrix<f64> = side_by_side(&[] as &[DVector<f64>], 3);
        assert_eq!(none.shape(), (3, 0));
        let none: DMatrix<f64> = lists_side_by_side(&[], 3);
        assert_eq!(none.shape(), (3, 0));
    }

    #[test]
    #[should_panic(expected = "left == right")]
    fn of_another_size() {
        let _: DMatrix<f64> = side_by_side(&[DVector::from_element(2, 1.0)], 3);
    }
}
