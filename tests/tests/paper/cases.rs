//! `data/paper_cases.json`, and the table that runs a function on it.

use crate::oracle::Tolerance;
use nalgebra::{DMatrix, DVector, SMatrix};
use serde_json::Value;
use std::sync::LazyLock;

static CASES: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/paper_cases.json")).expect("valid JSON")
});

/// Inputs, value and derivative at one point.
pub struct Instance(&'static Value);

/// All instances of one row.
pub fn instances(row: &str) -> Vec<Instance> {
    let cases = CASES.as_array().expect("a list of rows");
    let case = cases
        .iter()
        .find(|case| case["id"] == row)
        .unwrap_or_else(|| panic!("no {row}"));
    case["instances"]
        .as_array()
        .expect("a list of instances")
        .iter()
        .map(Instance)
        .collect()
}

impl Instance {
    pub fn input<T: Input>(&self, name: &str) -> T {
        T::read(&self.0["inputs"][name])
    }

    pub fn derivative<G: Input>(&self) -> G {
        G::read(&self.0["expected"])
    }

    pub fn value<Y: Input>(&self) -> Y {
        Y::read(&self.0["value"])
    }
}

/// What the JSON's numbers, lists and lists of rows are read as: what a parameter or a gradient may be.
pub trait Input {
    fn read(json: &Value) -> Self;
}

impl Input for f64 {
    fn read(json: &Value) -> Self {
        json.as_f64()
            .unwrap_or_else(|| panic!("{json} is not a number"))
    }
}

impl Input for DMatrix<f64> {
    fn read(json: &Value) -> Self {
        let list = |v: &Value| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]);
        let rows: Vec<Vec<Value>> = list(json).iter().map(list).collect();
        DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| f64::read(&rows[i][j]))
    }
}

impl Input for DVector<f64> {
    fn read(json: &Value) -> Self {
        let matrix = DMatrix::read(json);
        assert_eq!(matrix.ncols(), 1, "{json} is not a vector");
        matrix.column(0).into_owned()
    }
}

impl<const R: usize, const C: usize> Input for SMatrix<f64, R, C> {
    fn read(json: &Value) -> Self {
        crate::oracle::fixed(&DMatrix::read(json))
    }
}

/// A few hundred small inputs live as long as the test.
impl<T: Input> Input for &'static T {
    fn read(json: &Value) -> Self {
        Box::leak(Box::new(T::read(json)))
    }
}

/// Entry by entry. The file computes P50 as 1 − tanh², which leaves an entry of 1e-5 with an error of 1e-11: its entries
/// are compared by the largest.
pub fn tolerance(spelling: &str) -> Tolerance {
    match &*crate::row(spelling) {
        "P50" => Tolerance::Normwise(1e-12),
        _ => Tolerance::Entrywise(1e-12),
    }
}

/// One spelling of a row: what is wrong at an instance.
pub type Run = fn(&Instance) -> Vec<String>;

/// `rows! { p9 p9_gradient p9_value_and_gradient p9_jacobian (x, y); … }`: the inputs by their names in the JSON, in the
/// order of the parameters. Makes the table `SPELLINGS` and a test for each line. Values and derivatives are compared to
/// 1e-12 entry by entry, an expected zero (an inactive unit) exactly; the companion's value is `f`'s bit for bit, and its
/// Jacobian the gradient as a row.
macro_rules! rows {
    ($($f:ident $gradient:ident $both:ident $jacobian:ident ($($input:ident),*);)*) => {
        crate::cases::spellings! { $($f |at| {
            use crate::oracle::{Tolerance::Entrywise, difference, row_difference, value_difference};
            let value = $f($(at.input(stringify!($input))),*);
            let (same, first) = $both($(at.input(stringify!($input))),*);
            let second = $gradient($(at.input(stringify!($input))),*);
            let row = $jacobian($(at.input(stringify!($input))),*);
            let want = at.derivative();
            [
                ("value", difference(&value, &at.value(), Entrywise(1e-12))),
                (stringify!($both), value_difference(same, value)),
                (stringify!($both), difference(&first, &want, Entrywise(1e-12))),
                (stringify!($gradient), difference(&second, &want, Entrywise(1e-12))),
                (stringify!($jacobian), row_difference(&row, &want, Entrywise(1e-12))),
            ]
        };)* }
    };
}
pub(crate) use rows;

/// The same for a function with a vector as value: `jacobians! { p24 p24_jacobian p24_value_and_jacobian (w, x); … }`.
macro_rules! jacobians {
    ($($f:ident $jacobian:ident $both:ident ($($input:ident),*);)*) => {
        crate::cases::spellings! { $($f |at| {
            use crate::oracle::{Tolerance::Entrywise, difference, value_difference};
            let tolerance = crate::cases::tolerance(stringify!($f));
            let value = $f($(at.input(stringify!($input))),*);
            let (same, first) = $both($(at.input(stringify!($input))),*);
            let second = $jacobian($(at.input(stringify!($input))),*);
            [
                ("value", difference(&value, &at.value(), Entrywise(1e-12))),
                (stringify!($both), value_difference(same, value)),
                (stringify!($both), difference(&first, &at.derivative(), tolerance)),
                (stringify!($jacobian), difference(&second, &at.derivative(), tolerance)),
            ]
        };)* }
    };
}
pub(crate) use jacobians;

macro_rules! spellings {
    ($($f:ident |$at:ident| $compared:expr;)*) => {
        pub const SPELLINGS: &[(&str, crate::cases::Run)] = &[$((stringify!($f), |$at| {
            $compared
                .into_iter()
                .filter_map(|(name, wrong)| Some(format!("{name}: {}", wrong?)))
                .collect()
        })),*];

        mod spelling {
            $(#[test]
            fn $f() {
                let (name, run) = super::SPELLINGS.iter().find(|(name, _)| *name == stringify!($f)).unwrap();
                let wrong: Vec<_> = crate::cases::instances(&crate::row(name)).iter().flat_map(run).collect();
                assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            })*
        }
    };
}
pub(crate) use spellings;
