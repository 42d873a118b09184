//! A case for every operation, and what holds for all of them.

use crate::interpreter::Value;
use crate::world::{Domain, Size, World, any, nonzero, positive};
use Size::{Fixed, Run};
use nalgebra::DMatrix;
use nalgrad_tests::differentiate::reverse;
use nalgrad_tests::graph::{Dim, Elem, Id, Kind, Shape};
use nalgrad_tests::position::{Arithmetic, Position};
use nalgrad_tests::rules::{Comparison, Extreme, Op, Panic, Part, Scalar};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Builds an operation on leaves of its own.
type Case = Rc<dyn Fn(&mut World) -> Id>;

macro_rules! names {
    ($($name:literal $pattern:pat,)*) => {
        const NAMES: &[&str] = &[$($name),*];

        /// A new operation does not compile until it is here, and then needs a case.
        fn name(op: &Op) -> &'static str {
            match op {
                $($pattern => $name,)*
                // Their laws are the companions of other functions: `tests/calls.rs` compiles them.
                Op::Stop
                | Op::Absent
                | Op::Apply(..)
                | Op::Call(_)
                | Op::CallTangent
                | Op::CallAdjoint(_)
                | Op::CallAdjointTangent(_)
                | Op::Loop(_)
                | Op::Update(Part::Gathered(..) | Part::Selected(_) | Part::Element(..))
                | Op::Item(_) => "",
            }
        }
    };
}

names! {
    "leaf" Op::Leaf(_),
    "const" Op::Const(_),
    "size" Op::Size(_),
    "scalar" Op::Scalar(_),
    "powi" Op::PowI(_),
    "powi at run time" Op::PowInt,
    "slope of powi" Op::PowIntSlope(_),
    "<" Op::Compare(Comparison::Lt),
    "<=" Op::Compare(Comparison::Le),
    ">" Op::Compare(Comparison::Gt),
    ">=" Op::Compare(Comparison::Ge),
    "==" Op::Compare(Comparison::Eq),
    "!=" Op::Compare(Comparison::Ne),
    "and" Op::And,
    "or" Op::Or,
    "not" Op::Not,
    "select" Op::Select,
    "fill" Op::Fill,
    "identity" Op::Identity,
    "build" Op::Build,
    "place" Op::Place(_),
    "transpose" Op::Transpose,
    "entry" Op::Part(Part::Entry),
    "entry at" Op::Part(Part::EntryAt),
    "selected" Op::Part(Part::Selected(_)),
    "row" Op::Part(Part::Row),
    "column" Op::Part(Part::Column),
    "rows" Op::Part(Part::Rows),
    "columns" Op::Part(Part::Columns),
    "fixed rows" Op::Part(Part::FixedRows(_)),
    "fixed columns" Op::Part(Part::FixedColumns(_)),
    "view" Op::Part(Part::View),
    "fixed view" Op::Part(Part::FixedView(..)),
    "gathered" Op::Part(Part::Gathered(..)),
    "element" Op::Part(Part::Element(..)),
    "scattered entry" Op::Scatter(Part::Entry),
    "scattered entry at" Op::Scatter(Part::EntryAt),
    "scattered selected" Op::Scatter(Part::Selected(_)),
    "scattered row" Op::Scatter(Part::Row),
    "scattered column" Op::Scatter(Part::Column),
    "scattered rows" Op::Scatter(Part::Rows),
    "scattered columns" Op::Scatter(Part::Columns),
    "scattered fixed rows" Op::Scatter(Part::FixedRows(_)),
    "scattered fixed columns" Op::Scatter(Part::FixedColumns(_)),
    "scattered view" Op::Scatter(Part::View),
    "scattered fixed view" Op::Scatter(Part::FixedView(..)),
    "scattered gathered" Op::Scatter(Part::Gathered(..)),
    "updated entry" Op::Update(Part::Entry),
    "updated entry at" Op::Update(Part::EntryAt),
    "updated row" Op::Update(Part::Row),
    "updated column" Op::Update(Part::Column),
    "updated rows" Op::Update(Part::Rows),
    "updated columns" Op::Update(Part::Columns),
    "updated fixed rows" Op::Update(Part::FixedRows(_)),
    "updated fixed columns" Op::Update(Part::FixedColumns(_)),
    "updated view" Op::Update(Part::View),
    "updated fixed view" Op::Update(Part::FixedView(..)),
    "scattered element" Op::Scatter(Part::Element(..)),
    "diagonal" Op::Diagonal,
    "from diagonal" Op::FromDiagonal,
    "reshape" Op::Reshape,
    "stack rows" Op::StackRows,
    "scale rows" Op::ScaleRows,
    "scale columns" Op::ScaleColumns,
    "kronecker" Op::Kronecker,
    "cross matrix" Op::CrossMatrix,
    "each" Op::Each,
    "spread rows" Op::SpreadRows,
    "spread columns" Op::SpreadColumns,
    "sum" Op::Sum,
    "total" Op::Total,
    "fold" Op::Fold,
    "mean" Op::Mean,
    "trace" Op::Trace,
    "row sum" Op::RowSum,
    "column sum" Op::ColumnSum,
    "row mean" Op::RowMean,
    "column mean" Op::ColumnMean,
    "variance" Op::Variance,
    "dot" Op::Dot,
    "tr dot" Op::TrDot,
    "norm" Op::Norm,
    "norm squared" Op::NormSquared,
    "normalize" Op::Normalize,
    "max" Op::Extreme(Extreme::Max),
    "min" Op::Extreme(Extreme::Min),
    "amax" Op::Extreme(Extreme::AbsMax),
    "amin" Op::Extreme(Extreme::AbsMin),
    "product" Op::MatMul,
    "tr mul" Op::TrMul,
    "product tn" Op::ProductTn,
    "product nt" Op::ProductNt,
    "cross" Op::Cross,
    "inverse" Op::Inverse(_),
    "inverse transpose" Op::InverseTranspose,
    "determinant" Op::Determinant,
    "cofactors" Op::Cofactors,
    "cofactors tangent" Op::CofactorsTangent,
    "lu" Op::Lu,
    "lu solve" Op::LuSolve(_),
    "lu tr solve" Op::LuTrSolve,
    "lu inverse" Op::LuInverse(_),
    "lu determinant" Op::LuDeterminant,
    "cholesky" Op::Cholesky(_),
    "cholesky solve" Op::CholeskySolve,
    "cholesky inverse" Op::CholeskyInverse,
    "cholesky determinant" Op::CholeskyDeterminant,
    "cholesky ln determinant" Op::CholeskyLnDeterminant,
    "cholesky factor" Op::CholeskyFactor,
    "cholesky tangent" Op::CholeskyTangent,
    "cholesky adjoint" Op::CholeskyAdjoint,
    "symmetric from lower" Op::SymmetricFromLower,
    "fold lower" Op::FoldLower,
    "lower triangle" Op::LowerTriangle,
    "upper triangle" Op::UpperTriangle,
    "solve lower" Op::SolveTriangular { upper: false, transposed: false, .. },
    "solve upper" Op::SolveTriangular { upper: true, transposed: false, .. },
    "tr solve lower" Op::SolveTriangular { upper: false, transposed: true, .. },
    "tr solve upper" Op::SolveTriangular { upper: true, transposed: true, .. },
    "try normalize" Op::TryNormalize(_),
    "distance" Op::Distance,
    "angle" Op::Angle,
    "stumpff" Op::Stumpff(_),
    "arc ratio" Op::ArcRatio(_),
    "quaternion product" Op::QuaternionProduct,
    "quaternion conjugate" Op::QuaternionConjugate,
    "quaternion rotate" Op::QuaternionRotate,
    "quaternion matrix" Op::QuaternionMatrix,
    "quaternion exp" Op::QuaternionExp,
    "quaternion log" Op::QuaternionLog,
    "rotation exp" Op::RotationExp,
    "rotation log" Op::RotationLog,
    "rotation angle" Op::RotationAngle,
    "rotation about" Op::RotationAbout,
    "axial" Op::Axial,
}

// ---- cases ----

/// Square, wide, a single entry, a column, a row, and nothing; static and dynamic.
const SHAPES: &[(Size, Size)] = &[
    (Fixed(3), Fixed(2)),
    (Run(4), Run(3)),
    (Fixed(1), Fixed(1)),
    (Run(1), Run(1)),
    (Fixed(3), Fixed(1)),
    (Run(4), Fixed(1)),
    (Fixed(1), Run(4)),
    (Fixed(2), Run(3)),
    (Run(0), Fixed(1)),
    (Run(0), Run(3)),
    (Run(2), Run(0)),
];

const SQUARES: &[Size] = &[Fixed(1), Fixed(2), Fixed(3), Run(4), Run(1), Run(0)];

/// For operations entry by entry fewer will do.
const GRIDS: &[(Size, Size)] = &[
    (Fixed(1), Fixed(1)),
    (Run(2), Run(2)),
    (Fixed(2), Run(1)),
    (Run(0), Run(2)),
];

/// Rows, inner size and columns of a product.
const PRODUCTS: &[[Size; 3]] = &[
    [Fixed(3), Fixed(2), Fixed(3)],
    [Run(4), Run(3), Run(2)],
    [Fixed(3), Run(2), Fixed(1)],
    [Run(4), Fixed(3), Fixed(1)],
    [Fixed(1), Run(3), Fixed(1)],
    [Fixed(1), Fixed(3), Run(2)],
    [Run(3), Fixed(1), Run(2)],
    [Fixed(3), Fixed(1), Fixed(1)],
    [Fixed(1), Fixed(1), Run(4)],
    [Fixed(1), Fixed(1), Fixed(1)],
    [Run(1), Run(1), Run(1)],
    [Run(2), Run(0), Run(3)],
];

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |case: Case| cases.push(case);

    add(Rc::new(|w| w.number(any)));
    add(Rc::new(|w| w.graph.constant(0.5)));
    for &(r, c) in SHAPES {
        add(Rc::new(move |w| w.matrix(r, c, any)));
        add(Rc::new(move |w| {
            let m = w.matrix(r, c, any);
            let rows = w.graph.shape(m).expect("a matrix").rows;
            w.apply(Op::Size(rows), &[])
        }));
    }

    // Entry by entry, every argument a number or a matrix.
    for &function in Scalar::ALL {
        for domains in domains(function) {
            entry_by_entry(Op::Scalar(function), &domains, None, &mut add);
        }
    }
    for n in [-3, -1, 0, 1, 2, 3, 5] {
        entry_by_entry(Op::PowI(n), &[nonzero], None, &mut add);
        entry_by_entry(Op::PowInt, &[nonzero], Some(n), &mut add);
        entry_by_entry(Op::PowIntSlope(1), &[nonzero], Some(n), &mut add);
        entry_by_entry(Op::PowIntSlope(2), &[nonzero], Some(n), &mut add);
    }
    for order in 0..4 {
        entry_by_entry(Op::Stumpff(order), &[any], None, &mut add);
        let side: Domain = |r| r.between(0.5, 1.0);
        entry_by_entry(Op::ArcRatio(order), &[positive, side], None, &mut add);
    }
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
    for comparison in [Lt, Le, Gt, Ge, Eq, Ne] {
        entry_by_entry(Op::Compare(comparison), &[any, any], None, &mut add);
    }
    for holds in [false, true] {
        let logic = |op: Op, count: usize| -> Case {
            Rc::new(move |w| {
                let args: Vec<Id> = (0..count).map(|_| w.condition(holds)).collect();
                w.apply(op.clone(), &args)
            })
        };
        add(logic(Op::And, 2));
        add(logic(Op::Or, 2));
        add(logic(Op::Not, 1));
        add(Rc::new(move |w| {
            let args = [w.condition(holds), w.number(any), w.number(any)];
            w.apply(Op::Select, &args)
        }));
        for &(r, c) in GRIDS {
            add(Rc::new(move |w| {
                let args = [w.condition(holds), w.matrix(r, c, any), w.matrix(r, c, any)];
                w.apply(Op::Select, &args)
            }));
        }
    }
    for &(r, c) in GRIDS {
        for mask in 0..4 {
            add(Rc::new(move |w| {
                let condition = w.conditions(r, c);
                let mut side = |bit| {
                    if mask & bit == 0 {
                        w.number(any)
                    } else {
                        w.matrix(r, c, any)
                    }
                };
                let args = [condition, side(1), side(2)];
                w.apply(Op::Select, &args)
            }));
        }
    }

    // Structure.
    for &(r, c) in SHAPES {
        add(of_shape(Op::Fill, (r, c), |w| w.number(any)));
        add(of_shape(Op::SpreadRows, (r, c), move |w| {
            w.matrix(Fixed(1), c, any)
        }));
        add(of_shape(Op::SpreadColumns, (r, c), move |w| {
            w.matrix(r, Fixed(1), any)
        }));
        add(Rc::new(move |w| {
            let n = r.count() * c.count();
            let entries: Vec<Id> = (0..n).map(|_| w.number(any)).collect();
            let shape = Shape::fixed(r.count(), c.count());
            w.shaped(Op::Build, &entries, shape)
        }));
        add(Rc::new(move |w| {
            let shape = Shape::fixed(r.count(), c.count());
            let given = w.position(3, true);
            let row = Position::of(Arithmetic::Mul, Position::Given(0), Position::Row);
            let place = Position::of(Arithmetic::Add, row, Position::Column);
            w.shaped(Op::Place(place), &[given], shape)
        }));
        add(unary(Op::Transpose, move |w| w.matrix(r, c, any)));
        add(Rc::new(move |w| {
            let m = w.matrix(r, c, any);
            let n = w.entries(m);
            w.shaped(Op::Reshape, &[m], Shape::new(Dim::Static(1), n))
        }));
        add(Rc::new(move |w| {
            let rows: Vec<Id> = (0..2).map(|_| w.matrix(Fixed(1), c, any)).collect();
            let columns = w.graph.shape(rows[0]).expect("a matrix").cols;
            w.shaped(Op::StackRows, &rows, Shape::new(Dim::Static(2), columns))
        }));
        add(Rc::new(move |w| {
            let args = [w.matrix(r, Fixed(1), any), w.matrix(r, c, any)];
            w.apply(Op::ScaleRows, &args)
        }));
        add(Rc::new(move |w| {
            let args = [w.matrix(r, c, any), w.matrix(Fixed(1), c, any)];
            w.apply(Op::ScaleColumns, &args)
        }));
        parts(r, c, &mut add);
    }
    for &n in SQUARES {
        add(Rc::new(move |w| {
            let like = w.square(n);
            let shape = w.graph.shape(like).expect("a matrix");
            w.shaped(Op::Identity, &[], shape)
        }));
        add(unary(Op::Diagonal, move |w| w.square(n)));
        add(unary(Op::FromDiagonal, move |w| w.matrix(n, Fixed(1), any)));
    }

    // Reductions.
    for &(r, c) in SHAPES {
        use Op::{
            ColumnMean, ColumnSum, Mean, NormSquared, Normalize, RowMean, RowSum, Sum, Total,
            Variance,
        };
        for op in [
            Sum,
            Total,
            Mean,
            RowSum,
            ColumnSum,
            RowMean,
            ColumnMean,
            Variance,
            NormSquared,
        ] {
            add(unary(op, move |w| w.matrix(r, c, any)));
        }
        for op in [Op::Norm, Normalize] {
            add(unary(op, move |w| w.matrix(r, c, nonzero)));
        }
        add(Rc::new(move |w| {
            let args = [w.matrix(r, c, nonzero), w.given(1e-9)];
            w.apply(Op::TryNormalize(Panic::Unwrap), &args)
        }));
        add(Rc::new(move |w| {
            let args = [w.apart(r, c), w.matrix(r, c, any)];
            w.apply(Op::Distance, &args)
        }));
        // In one dimension all are parallel.
        if r.count() * c.count() > 1 {
            add(Rc::new(move |w| {
                let args = [w.apart(r, c), w.matrix(r, c, nonzero)];
                w.apply(Op::Angle, &args)
            }));
        }
        use Extreme::{AbsMax, AbsMin, Max, Min};
        for extreme in [Max, Min, AbsMax, AbsMin] {
            add(unary(Op::Extreme(extreme), move |w| w.apart(r, c)));
        }
        add(Rc::new(move |w| {
            let args = [w.matrix(r, c, any), w.number(any)];
            w.apply(Op::Fold, &args)
        }));
        add(Rc::new(move |w| {
            let args = [w.matrix(r, c, any), w.matrix(r, c, any)];
            w.apply(Op::Dot, &args)
        }));
        add(Rc::new(move |w| {
            let args = [w.matrix(r, c, any), w.matrix(c, r, any)];
            w.apply(Op::TrDot, &args)
        }));
    }

    // Products.
    for &[m, k, n] in PRODUCTS {
        let product = |op: Op, a: (Size, Size), b: (Size, Size)| -> Case {
            Rc::new(move |w| {
                let args = [w.matrix(a.0, a.1, any), w.matrix(b.0, b.1, any)];
                w.apply(op.clone(), &args)
            })
        };
        add(product(Op::MatMul, (m, k), (k, n)));
        add(product(Op::TrMul, (k, m), (k, n)));
        add(product(Op::ProductTn, (k, m), (k, n)));
        add(product(Op::ProductNt, (m, k), (n, k)));
    }
    for (r, c) in [
        (Fixed(3), Fixed(1)),
        (Run(3), Fixed(1)),
        (Fixed(1), Fixed(3)),
        (Fixed(1), Run(3)),
    ] {
        add(Rc::new(move |w| {
            let args = [w.matrix(r, c, any), w.matrix(r, c, any)];
            w.apply(Op::Cross, &args)
        }));
        if (r, c) == (Fixed(3), Fixed(1)) {
            add(unary(Op::CrossMatrix, move |w| w.matrix(r, c, any)));
        }
    }

    rotations(&mut add);

    // Factorisations.
    for &n in SQUARES {
        use Op::{Cofactors, Determinant, FoldLower, InverseTranspose, SymmetricFromLower, Trace};
        let inverse = Op::Inverse(Panic::Unwrap);
        for op in [
            Trace,
            inverse,
            InverseTranspose,
            Determinant,
            Cofactors,
            Op::Lu,
            Op::Cholesky(Panic::Unwrap),
            SymmetricFromLower,
            FoldLower,
            Op::LowerTriangle,
            Op::UpperTriangle,
        ] {
            add(unary(op, move |w| w.square(n)));
        }
        for op in [Op::LuInverse(Panic::Unwrap), Op::LuDeterminant] {
            add(unary(op, move |w| w.lu(n)));
        }
        use Op::{CholeskyDeterminant, CholeskyFactor, CholeskyInverse, CholeskyLnDeterminant};
        for op in [
            CholeskyInverse,
            CholeskyDeterminant,
            CholeskyLnDeterminant,
            CholeskyFactor,
        ] {
            add(unary(op, move |w| w.cholesky(n)));
        }
        for order in 1..4 {
            add(Rc::new(move |w| {
                let mut args = vec![w.square(n)];
                args.extend((0..order).map(|_| w.matrix(n, n, any)));
                w.apply(Op::CofactorsTangent, &args)
            }));
        }
        for op in [Op::CholeskyTangent, Op::CholeskyAdjoint] {
            add(Rc::new(move |w| {
                let args = [w.square(n), w.matrix(n, n, any)];
                w.apply(op.clone(), &args)
            }));
        }
        for columns in [Fixed(1), Fixed(2), Run(3)] {
            for kind in 0..4 {
                add(Rc::new(move |w| {
                    let args = [w.square(n), w.matrix(n, columns, any)];
                    let op = Op::SolveTriangular {
                        upper: kind % 2 == 1,
                        transposed: kind > 1,
                        failure: None,
                    };
                    w.apply(op, &args)
                }));
            }
            for op in [Op::LuSolve(Panic::Unwrap), Op::LuTrSolve] {
                add(Rc::new(move |w| {
                    let args = [w.lu(n), w.matrix(n, columns, any)];
                    w.apply(op.clone(), &args)
                }));
            }
            add(Rc::new(move |w| {
                let args = [w.cholesky(n), w.matrix(n, columns, any)];
                w.apply(Op::CholeskySolve, &args)
            }));
        }
    }
    cases
}

/// Rotations by their coordinates; by angles near and far.
fn rotations(add: &mut impl FnMut(Case)) {
    let column = |w: &mut World, n: usize, domain: Domain| w.matrix(Fixed(n), Fixed(1), domain);
    // By an angle between zero and a half turn, on both sides.
    let quaternion = move |w: &mut World| column(w, 4, nonzero);
    add(Rc::new(move |w| {
        let args = [quaternion(w), quaternion(w)];
        w.apply(Op::QuaternionProduct, &args)
    }));
    add(Rc::new(move |w| {
        let args = [quaternion(w), column(w, 3, any)];
        w.apply(Op::QuaternionRotate, &args)
    }));
    for op in [
        Op::QuaternionConjugate,
        Op::QuaternionMatrix,
        Op::QuaternionLog,
    ] {
        add(unary(op, quaternion));
    }
    let small: Domain = |r| 1e-3 * any(r);
    let zero: Domain = |_| 0.0;
    for domain in [any, small, zero] {
        for op in [Op::QuaternionExp, Op::RotationExp] {
            add(unary(op, move |w| column(w, 3, domain)));
        }
        for angle in [any, zero] {
            add(Rc::new(move |w| {
                let args = [column(w, 3, domain), w.number(angle)];
                w.apply(Op::RotationAbout, &args)
            }));
        }
    }
    // Near a rotation by less than a half turn.
    for op in [Op::RotationLog, Op::RotationAngle, Op::Axial] {
        add(unary(op, |w| {
            let entries: Domain = |r| 0.2 * any(r);
            let near = DMatrix::from_fn(3, 3, |i, j| match (i, j) {
                (0, 1) => -0.6 + entries(&mut w.random),
                (1, 0) => 0.6 + entries(&mut w.random),
                (i, j) => f64::from(u8::from(i == j)) + entries(&mut w.random),
            });
            w.given_matrix(Fixed(3), Fixed(3), near)
        }));
    }
}

/// What only Jacobians are made of, which nothing differentiates again.
fn of_jacobians() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for &(r, c) in SHAPES {
        cases.push(Rc::new(move |w| {
            let args = [w.matrix(r, c, any), w.matrix(Fixed(2), c, any)];
            let [a, b] = args.map(|m| w.graph.shape(m).expect("a matrix"));
            let shape = Shape::new(w.product(&a.rows, &b.rows), w.product(&a.cols, &b.cols));
            w.shaped(Op::Kronecker, &args, shape)
        }));
        // The map X ↦ Xᵀ B, of columns of as many entries as X has.
        cases.push(Rc::new(move |w| {
            let b = w.matrix(r, Fixed(2), any);
            let like = w.matrix(r, c, any);
            let shape = w.graph.shape(like).expect("a matrix");
            let symbol = w.graph.symbol(Kind::matrix(shape));
            let image = w.apply(Op::TrMul, &[symbol, b]);
            let m = w.matrix(Run(r.count() * c.count()), Fixed(3), any);
            let entries = w.entries(image);
            let shape = Shape::new(entries, Dim::Static(3));
            w.shaped(Op::Each, &[m, symbol, image], shape)
        }));
    }
    cases
}

fn unary(op: Op, arg: impl Fn(&mut World) -> Id + 'static) -> Case {
    Rc::new(move |w| {
        let arg = arg(w);
        w.apply(op.clone(), &[arg])
    })
}

/// An operation whose shape is that of something else.
fn of_shape(op: Op, (r, c): (Size, Size), arg: impl Fn(&mut World) -> Id + 'static) -> Case {
    Rc::new(move |w| {
        let like = w.matrix(r, c, any);
        let shape = w.graph.shape(like).expect("a matrix");
        let arg = arg(w);
        w.shaped(op.clone(), &[arg], shape)
    })
}

fn entry_by_entry(op: Op, domains: &[Domain], power: Option<i32>, add: &mut impl FnMut(Case)) {
    let matrices = |mask: usize| move |k: usize| mask >> k & 1 == 1;
    let mut case = |shape: Option<(Size, Size)>, mask: usize| {
        let (op, domains) = (op.clone(), domains.to_vec());
        add(Rc::new(move |w| {
            let mut args = Vec::new();
            for (k, domain) in domains.iter().enumerate() {
                args.push(match shape {
                    Some((r, c)) if matrices(mask)(k) => w.matrix(r, c, *domain),
                    _ => w.number(*domain),
                });
            }
            args.extend(power.map(|n| w.integer(n)));
            w.apply(op.clone(), &args)
        }));
    };
    case(None, 0);
    for &shape in GRIDS {
        (1..1 << domains.len()).for_each(|mask| case(Some(shape), mask));
    }
}

/// Taking and placing every part that there is.
fn parts(r: Size, c: Size, add: &mut impl FnMut(Case)) {
    let (rows, columns) = (r.count(), c.count());
    let (upper, left) = (rows / 3, columns / 3);
    let (height, width) = (rows.min(2), columns.min(2));
    let (fixed_rows, fixed_columns) = (Dim::Static(height), Dim::Static(width));
    let mut parts = vec![
        (Part::Rows, vec![upper, rows - upper]),
        (Part::Columns, vec![left, columns - left]),
        (Part::FixedRows(fixed_rows.clone()), vec![rows - height]),
        (
            Part::FixedColumns(fixed_columns.clone()),
            vec![columns - width],
        ),
        (Part::View, vec![upper, left, rows - upper, columns - left]),
        (
            Part::FixedView(fixed_rows, fixed_columns),
            vec![rows - height, columns - width],
        ),
    ];
    if rows > 0 {
        parts.push((Part::Row, vec![rows - 1]));
    }
    if columns > 0 {
        parts.push((Part::Column, vec![columns / 2]));
    }
    if rows * columns > 0 {
        parts.push((Part::Entry, vec![rows * columns - 1]));
        parts.push((Part::EntryAt, vec![rows - 1, columns / 2]));
        // A single entry three times, each entry once, and a diagonal.
        let (given, of) = (Position::Given, Position::of);
        let repeated = vec![of(
            Arithmetic::Sub,
            given(0),
            of(Arithmetic::Mul, Position::Row, given(1)),
        )];
        parts.push((
            Part::Gathered(Shape::fixed(3, 1), repeated),
            vec![rows * columns - 1, 0],
        ));
        let turned = vec![
            of(Arithmetic::Rem, Position::Row, given(0)),
            of(
                Arithmetic::Div,
                of(Arithmetic::Add, Position::Column, Position::Row),
                given(1),
            ),
        ];
        parts.push((
            Part::Gathered(Shape::fixed(2, columns), turned),
            vec![rows, 2 + rows],
        ));
        for extreme in [Extreme::Max, Extreme::Min, Extreme::AbsMax, Extreme::AbsMin] {
            parts.push((Part::Selected(extreme), Vec::new()));
        }
    }
    if columns == 1 && rows >= 2 {
        // An element of a list: some rows in another shape.
        let shape = Shape::fixed(1, height);
        let fixed = Part::FixedRows(Dim::Static(height));
        let element = Part::Element(Box::new(fixed), shape.clone());
        parts.push((element, vec![rows - height]));
        let element = Part::Element(Box::new(Part::Rows), shape);
        parts.push((element, vec![0, height]));
    }
    for (part, at) in parts {
        let replaced = !matches!(
            part,
            Part::Selected(_) | Part::Gathered(..) | Part::Element(..)
        );
        let taken = move |w: &mut World| {
            let whole = w.matrix(r, c, any);
            let at: Vec<Id> = match part {
                Part::Selected(_) => vec![w.apart(r, c)],
                _ => at
                    .iter()
                    .map(|i| w.position(*i, r == Fixed(rows)))
                    .collect(),
            };
            w.part(part.clone(), whole, &at)
        };
        let changed = |op: fn(Part) -> Op, of_whole: bool| {
            let taken = taken.clone();
            move |w: &mut World| {
                let taken = taken(w);
                let node = w.graph.node(taken);
                let Op::Part(part) = node.op else {
                    unreachable!("a part")
                };
                let shape = w.graph.shape(node.args[0]).expect("a matrix");
                let whole = if of_whole { &node.args[..1] } else { &[] };
                let value = w.parameter_like(taken);
                w.shaped(
                    op(part),
                    &[whole, &[value], &node.args[1..]].concat(),
                    shape,
                )
            }
        };
        let (placed, updated) = (changed(Op::Scatter, false), changed(Op::Update, true));
        add(Rc::new(taken));
        add(Rc::new(placed));
        // What is selected or gathered is never replaced.
        if replaced {
            add(Rc::new(updated));
        }
    }
}

/// Where a function is smooth, argument by argument: one or more such places.
fn domains(function: Scalar) -> Vec<Vec<Domain>> {
    // No integer is near, for what steps at integers; and no half, for what steps there.
    let cell: Domain = |r| r.one_of(&[-2.0, -1.0, 0.0, 1.0]) + r.between(0.2, 0.8);
    let shifted: Domain = |r| r.one_of(&[-2.0, -1.0, 0.0, 1.0]) + r.between(-0.3, 0.3);
    let inside: Domain = |r| r.between(-0.6, 0.6);
    let small: Domain = |r| r.between(-0.3, 0.3);
    let large: Domain = |r| r.between(0.6, 1.0) * r.one_of(&[1.0, -1.0]);
    let near_one: Domain = |r| r.between(0.95, 1.05) * r.one_of(&[1.0, -1.0]);
    let near_half: Domain = |r| r.one_of(&[-1.5, -0.5, 0.5, 1.5]) + r.between(-0.1, 0.1);
    let base: Domain = |r| r.between(2.0, 3.0);
    match function {
        Scalar::Add | Scalar::Sub | Scalar::Mul | Scalar::Midpoint => vec![vec![any, any]],
        Scalar::MulAdd => vec![vec![any, any, any]],
        Scalar::Div => vec![vec![any, nonzero]],
        Scalar::Neg
        | Scalar::Sin
        | Scalar::Cos
        | Scalar::Atan
        | Scalar::Sinh
        | Scalar::Cosh
        | Scalar::Tanh
        | Scalar::Sinc
        | Scalar::Asinh
        | Scalar::Exp
        | Scalar::Exp2
        | Scalar::ExpM1
        | Scalar::ToRadians
        | Scalar::ToDegrees => vec![vec![any]],
        Scalar::Recip
        | Scalar::RecipOrZero
        | Scalar::Abs
        | Scalar::Sign
        | Scalar::Signum
        | Scalar::Cbrt => {
            vec![vec![nonzero]]
        }
        Scalar::Tan | Scalar::Asin | Scalar::Acos | Scalar::Atanh => vec![vec![inside]],
        Scalar::Acosh => vec![vec![base]],
        Scalar::Ln | Scalar::Ln1p | Scalar::Log2 | Scalar::Log10 | Scalar::Sqrt => {
            vec![vec![positive]]
        }
        Scalar::Log => vec![vec![positive, base]],
        Scalar::Powf => vec![vec![positive, any]],
        Scalar::Hypot | Scalar::Atan2 | Scalar::CopySign => vec![vec![nonzero, nonzero]],
        Scalar::Floor | Scalar::Ceil | Scalar::Trunc | Scalar::Fract => vec![vec![cell]],
        Scalar::Round | Scalar::RoundTiesEven => vec![vec![shifted]],
        Scalar::Rem | Scalar::RemEuclid | Scalar::DivEuclid => vec![vec![near_half, near_one]],
        Scalar::Max | Scalar::Min => vec![vec![small, large], vec![large, small]],
        Scalar::Clamp => {
            let (low, high): (Domain, Domain) =
                (|r| r.between(-1.0, -0.7), |r| r.between(0.7, 1.0));
            let beyond: Domain = |r| r.between(1.4, 1.6) * r.one_of(&[1.0, -1.0]);
            vec![vec![small, low, high], vec![beyond, low, high]]
        }
    }
}

// ---- what holds for all of them ----

/// Every case, in both forms of a companion: with the value at hand and without.
pub fn for_every_case(check: impl FnMut(&mut World, Id)) {
    for_each_of(&cases(), check);
}

fn for_each_of(cases: &[Case], mut check: impl FnMut(&mut World, Id)) {
    for (number, case) in cases.iter().enumerate() {
        for keeps_value in [false, true] {
            let mut world = World::new(number as u64);
            let root = case(&mut world);
            world.graph.user_nodes.set(world.graph.count());
            world.graph.keeps_value.set(keeps_value);
            check(&mut world, root);
        }
    }
}

pub fn describe(world: &World, root: Id) -> String {
    let node = world.graph.node(root);
    let args: Vec<String> = node
        .args
        .iter()
        .map(|a| format!("{:?}", world.value(*a)))
        .collect();
    format!("{:?} of {}", node.op, args.join(", "))
}

/// Has derivatives, if only zero.
pub fn is_real(world: &World, root: Id) -> bool {
    matches!(world.graph.kind(root).elem, Elem::Real | Elem::Factor)
}

#[track_caller]
fn assert_equal(world: &World, root: Id, what: &str, terms: [Vec<f64>; 2], tolerance: f64) {
    let [left, right] = terms.each_ref().map(|terms| terms.iter().sum::<f64>());
    let scale: f64 = terms.iter().flatten().map(|t| t.abs()).sum();
    let close = (left - right).abs() <= tolerance * scale.max(1e-3);
    assert!(
        close,
        "{what} of {}: {left} and {right}",
        describe(world, root)
    );
}

#[test]
fn every_operation_has_a_case() {
    let (mut covered, mut functions) = (BTreeSet::new(), BTreeSet::new());
    for_each_of(&[cases(), of_jacobians()].concat(), |world, root| {
        let op = world.graph.op(root);
        covered.insert(name(&op));
        if let Op::Scalar(function) = op {
            functions.insert(function.surface());
        }
        // The interpreter compares the kind of every node with the shape of its value.
        assert!(
            world.value(root).is_finite() || world.value(root).entries().iter().all(|x| x.is_nan())
        );
    });
    assert_eq!(covered, NAMES.iter().copied().collect());
    assert_eq!(functions, Scalar::ALL.iter().map(|f| f.surface()).collect());
}

#[test]
fn adjoints_agree_with_differences() {
    for_every_case(|world, root| {
        if !is_real(world, root) {
            return;
        }
        let seed = world.random_like(root);
        let y_bar = world.value(seed);
        for leaf in world.wrt.clone() {
            let x_bar = world.reverse(root, seed, leaf);
            let direction = world.random_direction(leaf);
            let tangent = world.difference(root, leaf, &direction);
            let forward = y_bar.terms(&tangent).collect();
            let backward = world.value(x_bar).terms(&direction).collect();
            assert_equal(world, root, "adjoint", [forward, backward], 1e-9);
        }
    });
}

#[test]
fn adjoint_is_the_transpose_of_the_tangent() {
    for_every_case(|world, root| {
        if !is_real(world, root) {
            return;
        }
        let seed = world.random_like(root);
        let y_bar = world.value(seed);
        for leaf in world.wrt.clone() {
            let direction = world.random_like(leaf);
            let u = world.value(direction);
            let tangent = world.forward(root, &[(leaf, direction)]);
            let tangent = world.value(tangent);
            let x_bar = world.reverse(root, seed, leaf);
            let forward = y_bar.terms(&tangent).collect();
            let backward = world.value(x_bar).terms(&u).collect();
            assert_equal(world, root, "transpose", [forward, backward], 1e-13);
            // And the tangent is that of the values.
            let error = world.difference(root, leaf, &u).plus(-1.0, &tangent);
            let scale = 1.0 + largest(&tangent) + largest(&world.value(root));
            assert!(
                largest(&error) <= 1e-9 * scale,
                "tangent of {}",
                describe(world, root)
            );
        }
    });
}

fn largest(value: &Value) -> f64 {
    value.entries().iter().fold(0.0, |m, x| m.max(x.abs()))
}

#[test]
fn differentials_are_linear() {
    let mut linear = 0;
    for_every_case(|world, root| {
        if !is_real(world, root) {
            return;
        }
        for leaf in world.wrt.clone() {
            let u = world.random_direction(leaf);
            let v = world.random_direction(leaf);
            let tangent = world.like(leaf, u.clone());
            let image = world.forward(root, &[(leaf, tangent)]);
            let at = |direction: Value| world.value_at(image, tangent, direction);
            let combined = at(u.map(|x| 0.5 * x).plus(-3.0, &v));
            let expected = at(u.clone()).map(|x| 0.5 * x).plus(-3.0, &at(v));
            for (left, right) in combined.entries().iter().zip(expected.entries()) {
                assert!(
                    (left - right).abs() <= 1e-12 * (1.0 + right.abs()),
                    "{}",
                    describe(world, root)
                );
            }
            linear += 1;
        }
    });
    assert!(linear > 1000, "only {linear}");
}

/// The tangents of several arguments together make one tangent: the sum of those of each.
#[test]
fn tangents_of_several_arguments_add_up() {
    for_every_case(|world, root| {
        if !is_real(world, root) {
            return;
        }
        let tangents: Vec<(Id, Id)> = world
            .wrt
            .clone()
            .into_iter()
            .map(|leaf| (leaf, world.random_like(leaf)))
            .collect();
        let together = world.forward(root, &tangents);
        let mut sum = world.value(root).map(|_| 0.0);
        let mut scale = 1.0;
        for one in tangents {
            let alone = world.forward(root, &[one]);
            scale += largest(&world.value(alone));
            sum = sum.plus(1.0, &world.value(alone));
        }
        let error = world.value(together).plus(-1.0, &sum);
        assert!(
            largest(&error) <= 1e-13 * scale,
            "{}",
            describe(world, root)
        );
    });
}

/// The two sweeps over each other and over themselves, by two arguments or by the same one twice.
#[test]
fn second_derivatives_agree_with_differences_and_with_each_other() {
    for_every_case(|world, root| {
        if !is_real(world, root) {
            return;
        }
        let seed = world.random_like(root);
        let y_bar = world.value(seed);
        for first in world.wrt.clone() {
            let gradient = world.reverse(root, seed, first);
            let u_leaf = world.random_like(first);
            let u = world.value(u_leaf);
            let tangent = world.forward(root, &[(first, u_leaf)]);
            for second in world.wrt.clone() {
                let v_leaf = world.random_like(second);
                let v = world.value(v_leaf);
                let over = |world: &mut World, id: Id| {
                    let id = world.forward(id, &[(second, v_leaf)]);
                    world.value(id)
                };
                let under = |world: &mut World, id: Id, g: Id| {
                    let id = world.reverse(id, g, second);
                    world.value(id)
                };
                let forward_over_reverse = over(world, gradient);
                let forward_over_forward = over(world, tangent);
                let reverse_over_forward = under(world, tangent, seed);
                let reverse_over_reverse = under(world, gradient, u_leaf);
                let terms = |a: &Value, b: &Value| -> Vec<f64> { a.terms(b).collect() };
                let all = [
                    terms(&u, &forward_over_reverse),
                    terms(&y_bar, &forward_over_forward),
                    terms(&reverse_over_forward, &v),
                    terms(&reverse_over_reverse, &v),
                ];
                for one in &all {
                    for other in &all {
                        let pair = [one.clone(), other.clone()];
                        assert_equal(world, root, "second derivative", pair, 1e-12);
                    }
                }
                let change = world.difference(gradient, second, &v);
                let pair = [terms(&u, &change), all[0].clone()];
                assert_equal(world, root, "second derivative", pair, 1e-8);
            }
        }
    });
}

/// The laws of what second derivatives are made of.
#[test]
fn third_derivatives_agree_with_differences() {
    for_every_case(|world, root| {
        if !is_real(world, root) {
            return;
        }
        let seed = world.random_like(root);
        let y_bar = world.value(seed);
        let leaf = world.wrt.first().copied();
        for (first, second) in leaf.into_iter().zip(world.wrt.last().copied()) {
            let [u, v, w] = [first, second, first].map(|leaf| world.random_like(leaf));
            let gradient = world.reverse(root, seed, first);
            let second_derivative = world.forward(gradient, &[(second, v)]);
            let third = world.forward(second_derivative, &[(first, w)]);
            let change = world.difference(second_derivative, first, &world.value(w));
            let terms = |a: &Value, b: &Value| -> Vec<f64> { a.terms(b).collect() };
            let forward = terms(&world.value(third), &world.value(u));
            let pair = [terms(&change, &world.value(u)), forward.clone()];
            assert_equal(world, root, "third derivative", pair, 1e-7);
            let backward = world.reverse(second_derivative, u, first);
            let backward = terms(&world.value(backward), &world.value(w));
            assert_equal(world, root, "third derivative", [forward, backward], 1e-11);
            let mut tangent = root;
            for direction in [(first, u), (second, v), (first, w)] {
                tangent = world.forward(tangent, &[direction]);
            }
            let pair = [
                terms(&change, &world.value(u)),
                terms(&y_bar, &world.value(tangent)),
            ];
            assert_equal(world, root, "third tangent", pair, 1e-7);
        }
    });
}

/// The gradient by several parameters at once is that by each of them.
#[test]
fn parameters_do_not_disturb_each_other() {
    for_every_case(|world, root| {
        if !is_real(world, root) {
            return;
        }
        let seed = world.random_like(root);
        let together = reverse(&world.graph, &[(root, seed)], &world.wrt);
        for (leaf, found) in world.wrt.clone().into_iter().zip(together) {
            let alone = world.reverse(root, seed, leaf);
            let found = found.unwrap_or_else(|| world.graph.expr(leaf).zero().id);
            assert_eq!(
                world.value(found),
                world.value(alone),
                "{}",
                describe(world, root)
            );
        }
    });
}
