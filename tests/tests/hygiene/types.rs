//! The ways to write one and the same type, and generic functions.

use std::fmt::Debug;

use nalgebra::base::{Dim, Matrix3xX};
use nalgebra::{
    DMatrix, DVector, DVectorView, Dyn, Matrix2x3, MatrixView2, OMatrix, OVector, RealField,
    RowVector3, SMatrix, SVector, U3, Vector3,
};
use nalgrad::gradient;

use crate::close;

#[gradient]
fn by_reference(x: &Vector3<f64>) -> f64 {
    x.norm_squared()
}

#[gradient]
fn by_value(x: Vector3<f64>) -> f64 {
    x.norm_squared()
}

#[gradient]
fn dynamic_by_value(x: DVector<f64>) -> f64 {
    x.norm_squared()
}

#[gradient]
fn scalar_by_reference(x: &f64) -> f64 {
    x * x
}

#[gradient]
fn view(x: DVectorView<'_, f64>) -> f64 {
    x.norm_squared()
}

#[gradient]
fn static_view<'a>(x: &MatrixView2<'a, f64>) -> f64 {
    x.norm_squared()
}

#[gradient]
fn spelled_out(
    x: &OMatrix<f64, U3, Dyn>,
    y: &OVector<f64, U3>,
    z: &SMatrix<f64, 3, { 1 + 1 }>,
) -> f64 {
    x.norm_squared() + y.norm_squared() + z.norm_squared()
}

#[gradient]
#[allow(unused_parens)]
fn in_parentheses(x: &(Vector3<f64>), y: (f64)) -> (f64) {
    ((x.norm_squared()) * (y))
}

#[gradient]
fn partly_dynamic(x: &Matrix3xX<f64>, r: &RowVector3<f64>, m: Matrix2x3<f64>) -> f64 {
    (r * x).norm_squared() + m.norm_squared()
}

#[gradient]
fn generic_in_where<T, const R: usize, const C: usize>(m: &SMatrix<T, R, C>, x: &SVector<T, C>) -> T
where
    T: RealField,
    T: Copy + Debug,
    SVector<T, R>: Debug,
{
    (m * x).norm_squared()
}

#[gradient(wrt(x))]
fn generic_beside<'a, 'b: 'a, T: RealField + Copy, U, F>(
    x: &'a DMatrix<T>,
    scale: U,
    named: &'b F,
) -> T
where
    U: Into<T> + Clone,
    F: Fn() -> T + ?Sized,
{
    let scale: T = scale.clone().into();
    let offset: T = named();
    scale * x.norm_squared() + offset
}

#[gradient(wrt(x))]
fn impl_trait_beside(x: &DVector<f64>, power: impl Into<f64>, names: &[impl AsRef<str>]) -> f64 {
    let power: f64 = power.into();
    let count = names
        .iter()
        .filter(|name| !name.as_ref().is_empty())
        .count();
    power * count as f64 * x.sum()
}

#[gradient(wrt(x))]
fn dimension_beside<D: Dim>(x: f64, _dimension: D) -> f64 {
    x * x
}

#[gradient(wrt(x, y))]
fn every_inert_type(
    x: f32,
    y: &SVector<f32, 4>,
    _: usize,
    _tuple: (f64, &str),
    _array: [f32; 3],
    _function: fn(f64) -> f64,
    _unit: (),
    _object: &dyn Debug,
    _pointer: *const u8,
    _option: Option<Vector3<f64>>,
) -> f32 {
    x * y.norm_squared()
}

#[test]
fn spellings() {
    let (x, d) = (
        Vector3::new(1.0, -2.0, 0.5),
        DVector::from_row_slice(&[1.0, -2.0]),
    );
    assert_eq!(by_reference_gradient(&x), x * 2.0);
    assert_eq!(
        by_reference_value_and_gradient(&x),
        (by_reference(&x), x * 2.0)
    );
    assert_eq!(by_value_gradient(x), x * 2.0);
    assert_eq!(by_value_value_and_gradient(x), (by_value(x), x * 2.0));
    assert_eq!(dynamic_by_value_gradient(d.clone()), &d * 2.0);
    let (value, _) = dynamic_by_value_value_and_gradient(d.clone());
    assert_eq!(value, dynamic_by_value(d.clone()));
    assert_eq!(scalar_by_reference_gradient(&3.0), 6.0);
    assert_eq!(
        scalar_by_reference_value_and_gradient(&3.0).0,
        scalar_by_reference(&3.0)
    );
    let dv: DVector<f64> = view_gradient(d.as_view());
    assert_eq!(dv, &d * 2.0);
    assert_eq!(view_value_and_gradient(d.as_view()).0, view(d.as_view()));
    let m = nalgebra::matrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
    let corner = m.fixed_view::<2, 2>(0, 1);
    let dm: nalgebra::Matrix2<f64> = static_view_gradient(&corner);
    assert_eq!(dm, corner * 2.0);
    assert_eq!(
        static_view_value_and_gradient(&corner).0,
        static_view(&corner)
    );
    assert_eq!(
        in_parentheses_gradient(&x, 3.0),
        (x * 6.0, x.norm_squared())
    );
    assert_eq!(
        in_parentheses_value_and_gradient(&x, 3.0).0,
        in_parentheses(&x, 3.0)
    );

    let wide = Matrix3xX::from_fn(2, |i, j| (i + 2 * j) as f64 - 1.5);
    let tall = SMatrix::<f64, 3, 2>::from_fn(|i, j| (2 * i + j) as f64);
    let (dx, dy, dz) = spelled_out_gradient(&wide, &x, &tall);
    assert_eq!((dx, dy, dz), (&wide * 2.0, x * 2.0, tall * 2.0));
    assert_eq!(
        spelled_out_value_and_gradient(&wide, &x, &tall).0,
        spelled_out(&wide, &x, &tall)
    );
    let r = RowVector3::new(0.5, 1.0, -1.0);
    let (dx, dr, dm) = partly_dynamic_gradient(&wide, &r, m);
    assert!((dx - r.transpose() * (r * &wide) * 2.0).amax() < 1e-12);
    assert!((dr - r * &wide * wide.transpose() * 2.0).amax() < 1e-12 && dm == m * 2.0);
    assert_eq!(
        partly_dynamic_value_and_gradient(&wide, &r, m).0,
        partly_dynamic(&wide, &r, m)
    );
}

#[test]
fn generic_functions() {
    let m = nalgebra::matrix![1.0, 2.0, 3.0; 4.0, -5.0, 0.5];
    let x = Vector3::new(1.0, -2.0, 0.5);
    let (dm, dx) = generic_in_where_gradient(&m, &x);
    assert!((dm - m * x * x.transpose() * 2.0).amax() < 1e-12);
    assert!((dx - m.transpose() * m * x * 2.0).amax() < 1e-12);
    assert_eq!(
        generic_in_where_value_and_gradient(&m, &x).0,
        generic_in_where(&m, &x)
    );

    let d = DMatrix::from_row_slice(1, 2, &[1.0, -2.0]);
    let five = || 5.0;
    assert_eq!(generic_beside_gradient(&d, 1.5_f32, &five), &d * 3.0);
    assert_eq!(
        generic_beside_value_and_gradient(&d, 1.5, &five).0,
        generic_beside(&d, 1.5, &five)
    );
    let v = DVector::from_row_slice(&[1.0, -2.0]);
    let names = ["a", "", "b"];
    assert_eq!(
        impl_trait_beside_gradient(&v, 1.5_f32, &names),
        DVector::from_element(2, 3.0)
    );
    assert_eq!(
        impl_trait_beside_value_and_gradient(&v, 1.5_f32, &names).0,
        impl_trait_beside(&v, 1.5_f32, &names)
    );
    assert_eq!(dimension_beside_gradient(3.0, U3), 6.0);
    assert_eq!(
        dimension_beside_value_and_gradient(3.0, Dyn(3)).0,
        dimension_beside(3.0, U3)
    );
}

#[test]
fn inert_types() {
    let y = SVector::<f32, 4>::new(1.0, 2.0, -1.0, 0.5);
    let byte = 0_u8;
    let (dx, dy) = every_inert_type_gradient(
        2.0,
        &y,
        0,
        (0.0, ""),
        [0.0; 3],
        f64::sin,
        (),
        &"",
        &byte,
        None,
    );
    assert!(close(f64::from(dx), 6.25) && dy == y * 4.0);
    let (value, _) = every_inert_type_value_and_gradient(
        2.0,
        &y,
        0,
        (0.0, ""),
        [0.0; 3],
        f64::sin,
        (),
        &"",
        &byte,
        None,
    );
    assert_eq!(
        value,
        every_inert_type(
            2.0,
            &y,
            0,
            (0.0, ""),
            [0.0; 3],
            f64::sin,
            (),
            &"",
            &byte,
            None
        )
    );
}
