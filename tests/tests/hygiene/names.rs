//! Names that a generator may use itself, taken by the user.

use nalgebra::{DVector, Vector2};
use nalgrad::gradient;

use crate::close;

/// Parameters.
#[gradient]
fn parameters(
    x: f64,
    x_bar: f64,
    z: f64,
    z_bar: f64,
    t: f64,
    value: f64,
    gradient: f64,
    g: f64,
) -> f64 {
    x * x_bar + z * z_bar + t * value + gradient * g
}

/// Parameters, with the names of operations and of crates.
#[gradient]
fn operations(
    sum: f64,
    max: f64,
    one: f64,
    zero: f64,
    nalgebra: f64,
    nalgrad: f64,
    core: f64,
    std: f64,
) -> f64 {
    sum * max + one * zero + nalgebra * nalgrad + core * std
}

/// Locals, each hiding the one before.
#[gradient]
fn shadowing(x: f64) -> f64 {
    let x = x * x;
    let x_bar = x.sin();
    let x = x_bar * x;
    let z = {
        let x = x + 1.0;
        let z = x * x;
        z - x
    };
    let z_bar = z * x;
    let x = z_bar;
    let value = x + x_bar;
    let gradient = value;
    gradient
}

/// What `shadowing` computes, and its derivative, by hand.
fn shadowing_by_hand(x: f64) -> (f64, f64) {
    let (a, da) = (x * x, 2.0 * x);
    let (b, db) = (a.sin(), a.cos() * da);
    let (c, dc) = (b * a, db * a + b * da);
    let (z, dz) = ((c + 1.0) * (c + 1.0) - (c + 1.0), (2.0 * c + 1.0) * dc);
    (z * c + b, dz * c + z * dc + db)
}

/// Locals with the names of the intermediate values of a derivation.
#[gradient]
fn intermediates(t: &DVector<f64>) -> f64 {
    let t0 = t * 2.0;
    let t1 = t0.add_scalar(1.0);
    let t_0 = t1.dot(&t0);
    let t_1 = t_0 * t_0;
    let d_t = t_1 + t_0;
    let t_bar = d_t * 0.5;
    let result = t_bar;
    result
}

/// Arguments of closures with the names of what is outside of them.
#[gradient]
fn closures(x: &DVector<f64>, y: &DVector<f64>, z: f64) -> f64 {
    let mapped = x.map(|x| x * x);
    let zipped = mapped.zip_map(y, |y, x| y - x * z);
    zipped.map(|z| z.sin()).sum()
}

/// A parameter with the name of the function, and of its companions.
#[gradient]
fn itself(itself: f64, itself_gradient: f64, itself_value_and_gradient: f64) -> f64 {
    itself * itself_gradient * itself_value_and_gradient
}

/// Raw identifiers, of which `fn` is no name but `fn_gradient` is.
#[gradient(wrt(r#type, r#match))]
fn r#fn(r#type: f64, r#match: &Vector2<f64>, r#loop: f64) -> f64 {
    let r#let = r#type * r#loop;
    r#let * r#match.norm_squared()
}

#[gradient]
fn r#type(r#final: f64) -> f64 {
    r#final.exp()
}

/// A plain name, written raw: `square` and `r#square` are the same.
#[gradient(wrt(r#x))]
fn r#square(x: f64) -> f64 {
    let r#y = x;
    y * r#x
}

/// Letters that are not Latin.
#[gradient]
fn größe(λ: f64, δx: &Vector2<f64>) -> f64 {
    let ŷ = λ.sin();
    ŷ * δx.norm_squared()
}

/// Functions with the names of helpers, beside the annotated ones.
mod functions {
    use nalgrad::gradient;

    pub fn zero() -> f64 {
        3.0
    }

    pub fn one() -> f64 {
        5.0
    }

    #[gradient]
    pub fn value(x: f64) -> f64 {
        zero() * x
    }

    #[gradient]
    pub fn gradient(x: f64) -> f64 {
        one() * x * x
    }

    #[gradient]
    pub fn sum(x: f64, y: f64) -> f64 {
        x + y
    }

    #[gradient]
    pub fn max(x: f64, y: f64) -> f64 {
        x.max(y)
    }

    /// The names `cost_value` and `cost_grad` are free for the user's own.
    pub fn cost_value(x: f64) -> f64 {
        -x
    }

    pub fn cost_grad(x: f64) -> f64 {
        -x
    }

    #[gradient]
    pub fn cost(x: f64) -> f64 {
        x.sqrt()
    }
}

/// Constants and statics in upper case, as constants are.
mod constants {
    use nalgebra::Vector2;
    use nalgrad::gradient;

    const X: f64 = 2.0;
    const X_BAR: f64 = 3.0;
    const ONE: f64 = 7.0;
    static ZERO: f64 = 11.0;
    static Z: [f64; 2] = [13.0, 17.0];
    const T: Vector2<f64> = Vector2::new(19.0, 23.0);

    #[gradient]
    pub fn weighted(x: &Vector2<f64>) -> f64 {
        X * x[0] + X_BAR * x[1] + ONE * x.sum() + ZERO + Z[1] * x[0] + T.dot(x)
    }
}

/// Modules that hide the crates, types that hide the prelude's, macros that hide std's.
mod hidden {
    #![allow(dead_code, unused_macros)]

    mod nalgebra {}
    mod nalgrad {}
    mod core {}
    mod std {}
    mod alloc {}

    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct Vec;
    pub struct String;
    pub struct Box;
    pub struct Matrix;
    pub struct Const;
    pub struct Dyn;
    pub struct U1;
    pub struct U2;
    pub struct Scalar;
    pub enum Option {}
    pub enum Result {}
    pub trait Clone {}
    pub trait Copy {}
    pub trait Default {}
    pub trait Into {}
    pub trait From {}
    pub trait Iterator {}
    pub trait IntoIterator {}
    pub trait ToOwned {}
    pub trait Fn {}
    pub trait FnOnce {}
    pub trait Sized {}
    pub trait RealField {}
    pub trait ComplexField {}
    pub fn drop() {}
    pub fn convert() {}
    pub fn zero() {}
    pub fn one() {}

    macro_rules! hide {
        ($dollar:tt $($name:ident)*) => {
            $(
                macro_rules! $name {
                    ($dollar($dollar tokens:tt)*) => {
                        compile_error!("not the macro that was meant")
                    };
                }
            )*
        };
    }

    hide!($ vec assert assert_eq debug_assert panic unreachable matches println format);

    #[::nalgrad::gradient]
    pub fn cost(
        w: &::nalgebra::DVector<f64>,
        x: &::nalgebra::DMatrix<f64>,
        y: &::nalgebra::DVector<f64>,
    ) -> f64 {
        let activation = (x * w).map(|z| z.max(0.0));
        let m = x.tr_mul(x).try_inverse().unwrap();
        (y - activation).norm_squared() + m.trace() * w.column(0)[1]
    }

    #[::nalgrad::gradient]
    pub fn generic<T: ::nalgebra::RealField + ::core::marker::Copy>(
        x: &::nalgebra::Vector3<T>,
        y: T,
    ) -> T {
        if x[0] > y {
            x.norm() * y
        } else {
            x.sum().powi(2)
        }
    }
}

/// Traits that put other methods with the names of nalgebra's and num's on every type.
mod traits {
    #![allow(dead_code)]

    use nalgebra::{DMatrix, DVector};
    use nalgrad::gradient;

    pub trait Noise {
        fn zero() -> u8
        where
            Self: Sized,
        {
            1
        }

        fn one() -> u8
        where
            Self: Sized,
        {
            0
        }

        fn from_subset(_: &u8) -> u8
        where
            Self: Sized,
        {
            0
        }

        fn zeros() -> u8
        where
            Self: Sized,
        {
            1
        }

        fn sum(&self) -> u8 {
            1
        }

        fn transpose(&self) -> u8 {
            1
        }

        fn axpy(&self) -> u8 {
            1
        }

        fn tr_mul(&self) -> u8 {
            1
        }

        fn clone_owned(&self) -> u8 {
            1
        }

        fn add_assign(&mut self) -> u8 {
            1
        }
    }

    impl<T: ?Sized> Noise for T {}

    #[gradient]
    pub fn cost(w: &DVector<f64>, b: f64, x: &DMatrix<f64>) -> f64 {
        let z = (x * w).add_scalar(b);
        z.map(|z| z.max(0.0)).norm_squared() + w.norm_squared() * b
    }
}

/// Type parameters, lifetimes and constants with the names of a generator's.
mod generics {
    use nalgebra::{Matrix, RealField, SMatrix};
    use nalgrad::gradient;

    #[gradient]
    pub fn frobenius<'a, 'g, G, const R: usize, const C: usize>(
        g: &'a SMatrix<G, R, C>,
        s: &'g SMatrix<G, R, C>,
    ) -> G
    where
        G: RealField + Copy,
    {
        g.dot(s) * g.norm_squared()
    }

    #[gradient(wrt(s))]
    pub fn lone<S: RealField + Copy>(
        s: S,
        t: Matrix<
            S,
            nalgebra::Dyn,
            nalgebra::U1,
            nalgebra::VecStorage<S, nalgebra::Dyn, nalgebra::U1>,
        >,
    ) -> S {
        s * s * t.norm_squared()
    }
}

#[test]
fn of_parameters() {
    let got = parameters_gradient(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0);
    assert_eq!(got, (2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0));
    let (value, _) = parameters_value_and_gradient(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0);
    assert_eq!(value, parameters(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0));
    let got = operations_gradient(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0);
    assert_eq!(got, (2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0));
    let (value, _) = operations_value_and_gradient(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0);
    assert_eq!(value, operations(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0));
    assert_eq!(itself_gradient(2.0, 3.0, 5.0), (15.0, 10.0, 6.0));
    assert_eq!(
        itself_value_and_gradient(2.0, 3.0, 5.0).0,
        itself(2.0, 3.0, 5.0)
    );
}

#[test]
fn of_locals() {
    let (value, derivative) = shadowing_by_hand(0.8);
    assert!(close(shadowing_gradient(0.8), derivative));
    assert!(close(shadowing(0.8), value));
    assert_eq!(shadowing_value_and_gradient(0.8).0, shadowing(0.8));

    // s = (2t + 1)ᵀ 2t and (s² + s) / 2.
    let t = DVector::from_row_slice(&[0.5, -1.0]);
    let s = t.map(|t| (2.0 * t + 1.0) * 2.0 * t).sum();
    let expected = t.map(|t| (s + 0.5) * (8.0 * t + 2.0));
    assert!((intermediates_gradient(&t) - expected).amax() < 1e-12);
    assert_eq!(intermediates_value_and_gradient(&t).0, intermediates(&t));

    let (x, y, z) = (
        DVector::from_row_slice(&[0.5, 2.0]),
        DVector::from_row_slice(&[1.5, -1.0]),
        0.3_f64,
    );
    let cosine = x.zip_map(&y, |x, y| (x * x - y * z).cos());
    let (dx, dy, dz) = closures_gradient(&x, &y, z);
    assert!((dx - cosine.zip_map(&x, |c, x| c * 2.0 * x)).amax() < 1e-12);
    assert!((dy + &cosine * z).amax() < 1e-12 && close(dz, -cosine.dot(&y)));
    assert_eq!(
        closures_value_and_gradient(&x, &y, z).0,
        closures(&x, &y, z)
    );
}

#[test]
fn raw_and_other_letters() {
    let v = Vector2::new(1.0, -2.0);
    assert_eq!(fn_gradient(3.0, &v, 0.5), (2.5, v * 3.0));
    assert_eq!(fn_value_and_gradient(3.0, &v, 0.5).0, r#fn(3.0, &v, 0.5));
    assert!(close(type_gradient(0.5), 0.5_f64.exp()));
    assert_eq!(type_value_and_gradient(0.5).0, r#type(0.5));
    assert_eq!(square_gradient(3.0), 6.0);
    assert_eq!(square_value_and_gradient(3.0).0, square(3.0));
    let (dλ, dx) = größe_gradient(0.5, &v);
    assert!(close(dλ, 5.0 * 0.5_f64.cos()));
    assert!((dx - v * (2.0 * 0.5_f64.sin())).amax() < 1e-12);
    assert_eq!(größe_value_and_gradient(0.5, &v).0, größe(0.5, &v));
}

#[test]
fn of_functions_and_constants() {
    use functions::{cost, cost_grad, cost_gradient, cost_value, cost_value_and_gradient};
    assert_eq!(functions::value_gradient(2.0), 3.0);
    assert_eq!(
        functions::value_value_and_gradient(2.0),
        (functions::value(2.0), 3.0)
    );
    assert_eq!(functions::gradient_gradient(2.0), 20.0);
    assert_eq!(
        functions::gradient_value_and_gradient(2.0),
        (functions::gradient(2.0), 20.0)
    );
    assert_eq!(functions::sum_gradient(2.0, 3.0), (1.0, 1.0));
    assert_eq!(
        functions::sum_value_and_gradient(2.0, 3.0).0,
        functions::sum(2.0, 3.0)
    );
    assert_eq!(functions::max_gradient(2.0, 3.0), (0.0, 1.0));
    assert_eq!(
        functions::max_value_and_gradient(2.0, 3.0).0,
        functions::max(2.0, 3.0)
    );
    assert_eq!(
        (cost_gradient(4.0), cost_value(4.0), cost_grad(4.0)),
        (0.25, -4.0, -4.0)
    );
    assert_eq!(cost_value_and_gradient(4.0).0, cost(4.0));

    let v = Vector2::new(1.0, -2.0);
    assert_eq!(constants::weighted_gradient(&v), Vector2::new(45.0, 33.0));
    assert_eq!(
        constants::weighted_value_and_gradient(&v).0,
        constants::weighted(&v)
    );
}

#[test]
fn of_crates_and_of_the_prelude() {
    let x = nalgebra::dmatrix![1.0, 2.0; -1.0, 0.5; 0.3, -2.0];
    let (w, y) = (
        nalgebra::dvector![0.4, 0.9],
        nalgebra::dvector![1.0, -1.0, 0.5],
    );
    let on = (&x * &w).map(|z| f64::from(u8::from(z > 0.0)));
    let error = (&x * &w).component_mul(&on) - &y;
    let gram = x.transpose() * &x;
    let inverse = gram.clone().try_inverse().unwrap();
    let mut dw = x.transpose() * error.component_mul(&on) * 2.0;
    dw[1] += inverse.trace();
    let dx =
        error.component_mul(&on) * w.transpose() * 2.0 - &x * (&inverse * &inverse) * (2.0 * w[1]);
    let (got_w, got_x, got_y) = hidden::cost_gradient(&w, &x, &y);
    assert!(
        (got_w - dw).amax() < 1e-12
            && (got_x - dx).amax() < 1e-12
            && (got_y + error * 2.0).amax() < 1e-12
    );
    assert_eq!(
        hidden::cost_value_and_gradient(&w, &x, &y).0,
        hidden::cost(&w, &x, &y)
    );

    let v = nalgebra::vector![3.0, 4.0, 12.0];
    let (dv, dy) = hidden::generic_gradient(&v, 2.0);
    assert!((dv - v * (2.0 / 13.0)).amax() < 1e-12 && close(dy, 13.0));
    let (dv, dy) = hidden::generic_gradient(&v, 5.0);
    assert!((dv.add_scalar(-38.0)).amax() < 1e-12 && dy == 0.0);
    assert_eq!(
        hidden::generic_value_and_gradient(&v, 2.0).0,
        hidden::generic(&v, 2.0)
    );
}

#[test]
fn of_methods_and_generics() {
    let x = nalgebra::dmatrix![1.0, 2.0; -1.0, 0.5; 0.3, -2.0];
    let (w, b) = (nalgebra::dvector![0.4, 0.9], 0.1_f64);
    let z = (&x * &w).map(|z| (z + b).max(0.0));
    let (dw, db, dx) = traits::cost_gradient(&w, b, &x);
    assert!((dw - x.transpose() * &z * 2.0 - &w * (2.0 * b)).amax() < 1e-12);
    assert!(close(db, 2.0 * z.sum() + w.norm_squared()));
    assert!((dx - &z * w.transpose() * 2.0).amax() < 1e-12);
    assert_eq!(
        traits::cost_value_and_gradient(&w, b, &x).0,
        traits::cost(&w, b, &x)
    );

    let g = nalgebra::matrix![1.0_f64, 2.0, 3.0; 0.5, -1.0, 0.25];
    let s = nalgebra::matrix![-1.0, 0.0, 1.0; 2.0, 1.5, -0.5];
    let (dg, ds) = generics::frobenius_gradient(&g, &s);
    assert!((dg - s * g.norm_squared() - g * (2.0 * g.dot(&s))).amax() < 1e-12);
    assert!((ds - g * g.norm_squared()).amax() < 1e-12);
    assert_eq!(
        generics::frobenius_value_and_gradient(&g, &s).0,
        generics::frobenius(&g, &s)
    );
    assert!(close(
        generics::lone_gradient(3.0, w.clone()),
        6.0 * w.norm_squared()
    ));
    assert_eq!(
        generics::lone_value_and_gradient(3.0, w.clone()).0,
        generics::lone(3.0, w)
    );
}
