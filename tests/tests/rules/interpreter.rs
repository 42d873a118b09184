//! What a graph means, in numbers: plain loops, minors and Laplace's expansion, and no derivative anywhere.

use crate::rotations;
use nalgebra::DMatrix;
use nalgrad_tests::graph::{Dim, Elem, Extent, Graph, Id, Shape};
use nalgrad_tests::position::{Arithmetic, Position};
use nalgrad_tests::rules::{Comparison, Extreme, Op, Part, Scalar};
use std::collections::HashMap;

/// The value of a node. Conditions are 0 or 1, and a factorisation is the matrix that it is of.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Matrix(DMatrix<f64>),
}

impl Value {
    pub fn number(&self) -> f64 {
        match self {
            Value::Number(x) => *x,
            Value::Matrix(m) => panic!("not a number: {m}"),
        }
    }

    pub fn matrix(&self) -> &DMatrix<f64> {
        match self {
            Value::Matrix(m) => m,
            Value::Number(x) => panic!("not a matrix: {x}"),
        }
    }

    pub fn entries(&self) -> &[f64] {
        match self {
            Value::Number(x) => std::slice::from_ref(x),
            Value::Matrix(m) => m.as_slice(),
        }
    }

    pub fn is_finite(&self) -> bool {
        self.entries().iter().all(|x| x.is_finite())
    }

    pub fn map(&self, f: impl FnMut(f64) -> f64) -> Value {
        self.clone().mapped(f)
    }

    fn mapped(mut self, mut f: impl FnMut(f64) -> f64) -> Value {
        match &mut self {
            Value::Number(x) => *x = f(*x),
            Value::Matrix(m) => m.apply(|x| *x = f(*x)),
        }
        self
    }

    /// `self + factor · other`, entry by entry.
    pub fn plus(&self, factor: f64, other: &Value) -> Value {
        entrywise(&[self, other], |x| x[0] + factor * x[1])
    }

    /// The terms of the inner product with a value of the same shape.
    pub fn terms<'a>(&'a self, other: &'a Value) -> impl Iterator<Item = f64> + 'a {
        assert_eq!(self.shape(), other.shape());
        self.entries()
            .iter()
            .zip(other.entries())
            .map(|(a, b)| a * b)
    }

    pub fn shape(&self) -> Option<(usize, usize)> {
        match self {
            Value::Number(_) => None,
            Value::Matrix(m) => Some(m.shape()),
        }
    }
}

/// The values of leaves.
pub type Leaves = HashMap<Id, Value>;

/// Evaluates nodes, each once. Only the side of a choice that is taken is looked at.
pub struct Interpreter<'a> {
    graph: &'a Graph,
    leaves: &'a Leaves,
    known: HashMap<Id, Value>,
    /// What to do to the result of every operation, for the study of rounding errors.
    disturb: Option<Box<dyn FnMut(f64) -> f64 + 'a>>,
}

pub fn evaluate(graph: &Graph, leaves: &Leaves, id: Id) -> Value {
    Interpreter::new(graph, leaves).value(id)
}

impl<'a> Interpreter<'a> {
    pub fn new(graph: &'a Graph, leaves: &'a Leaves) -> Self {
        let known = HashMap::new();
        Interpreter {
            graph,
            leaves,
            known,
            disturb: None,
        }
    }

    pub fn disturbed(
        graph: &'a Graph,
        leaves: &'a Leaves,
        by: impl FnMut(f64) -> f64 + 'a,
    ) -> Self {
        Interpreter {
            disturb: Some(Box::new(by)),
            ..Interpreter::new(graph, leaves)
        }
    }

    /// The values that were needed so far.
    pub fn seen(&self) -> impl Iterator<Item = &Value> {
        self.known.values()
    }

    pub fn value(&mut self, id: Id) -> Value {
        if let Some(known) = self.known.get(&id) {
            return known.clone();
        }
        let kind = self.graph.kind(id);
        let mut value = self.operation(id);
        if let (Some(disturb), Elem::Real) = (&mut self.disturb, kind.elem) {
            value = value.mapped(disturb);
        }
        self.known.insert(id, value.clone());
        // The extents may be those of this very value.
        let shape = kind.shape.map(|shape| self.extents(&shape));
        assert_eq!(
            shape,
            value.shape(),
            "the kind of {:?}",
            self.graph.node(id)
        );
        value
    }

    fn extents(&mut self, shape: &Shape) -> (usize, usize) {
        (self.extent(&shape.rows), self.extent(&shape.cols))
    }

    fn extent(&mut self, dim: &Dim) -> usize {
        match dim {
            Dim::Static(n) => *n,
            Dim::Generic(name) => panic!("a value for `{name}`"),
            Dim::Dynamic(number) => {
                let extent = self.graph.extents.borrow()[*number as usize].clone();
                match extent {
                    Extent::Rows(id) => self.value(id).matrix().nrows(),
                    Extent::Cols(id) => self.value(id).matrix().ncols(),
                    Extent::Int(id) => self.value(id).number() as usize,
                    Extent::Fixed(dim) => self.extent(&dim),
                    Extent::Product(rows, columns) => self.extent(&rows) * self.extent(&columns),
                }
            }
        }
    }

    /// The first row and column of a part, and its numbers of rows and columns.
    fn region(&mut self, part: &Part, whole: (usize, usize), at: &[Id]) -> [usize; 4] {
        let (rows, columns) = whole;
        if let Part::Selected(extreme) = part {
            let searched = self.value(at[0]);
            let place = selected(*extreme, searched.matrix());
            return place.map_or([0; 4], |(i, j)| [i, j, 1, 1]);
        }
        let at: Vec<usize> = at
            .iter()
            .map(|i| self.value(*i).number() as usize)
            .collect();
        match part {
            Part::Entry => [at[0] % rows, at[0] / rows, 1, 1],
            Part::EntryAt => [at[0], at[1], 1, 1],
            Part::Selected(_) => [0; 4],
            Part::Row => [at[0], 0, 1, columns],
            Part::Column => [0, at[0], rows, 1],
            Part::Rows => [at[0], 0, at[1], columns],
            Part::Columns => [0, at[0], rows, at[1]],
            Part::FixedRows(n) => [at[0], 0, self.extent(n), columns],
            Part::FixedColumns(n) => [0, at[0], rows, self.extent(n)],
            Part::View => [at[0], at[1], at[2], at[3]],
            Part::FixedView(r, c) => [at[0], at[1], self.extent(r), self.extent(c)],
            Part::Element(rows, _) => match &**rows {
                Part::FixedRows(n) => [at[0], 0, self.extent(n), columns],
                _ => [at[0], 0, at[1], columns],
            },
            Part::Gathered(..) => unreachable!("entries of many places"),
        }
    }

    /// An index at the place of an entry.
    fn place(&mut self, position: &Position<usize>, given: &[Id], at: (usize, usize)) -> usize {
        match position {
            Position::Row => at.0,
            Position::Column => at.1,
            Position::Given(k) => self.value(given[*k]).number() as usize,
            Position::Of(operator, parts) => {
                let a = self.place(&parts[0], given, at);
                let b = self.place(&parts[1], given, at);
                match operator {
                    Arithmetic::Add => a + b,
                    Arithmetic::Sub => a - b,
                    Arithmetic::Mul => a * b,
                    Arithmetic::Div => a / b,
                    Arithmetic::Rem => a % b,
                }
            }
        }
    }

    /// Where an entry is taken from.
    fn gathered(
        &mut self,
        positions: &[Position<usize>],
        given: &[Id],
        at: (usize, usize),
        rows: usize,
    ) -> (usize, usize) {
        let first = self.place(&positions[0], given, at);
        match positions.get(1) {
            Some(second) => (first, self.place(second, given, at)),
            None => (first % rows, first / rows),
        }
    }

    fn operation(&mut self, id: Id) -> Value {
        use Value::{Matrix, Number};
        let node = self.graph.node(id);
        let args = &node.args[..];
        // Some operations have a shape of their own; that of a leaf, and of a choice, is read from its value.
        let shape = match &node.kind.shape {
            Some(shape) if !matches!(node.op, Op::Leaf(_) | Op::Select) => self.extents(shape),
            _ => (0, 0),
        };
        let number = |e: &mut Self, k: usize| e.value(args[k]).number();
        let matrix = |e: &mut Self, k: usize| e.value(args[k]).matrix().clone();
        let symmetric = |e: &mut Self| from_lower(e.value(args[0]).matrix());
        match node.op {
            Op::Leaf(_) => match self.graph.integer_value(id) {
                Some(literal) => Number(literal as f64),
                None => self.leaves[&id].clone(),
            },
            Op::Const(bits) => Number(f64::from_bits(bits)),
            Op::Size(dim) => Number(self.extent(&dim) as f64),

            Op::Scalar(f) => self.entry_by_entry(args, |x| scalar(f, x)),
            Op::PowI(n) => self.entry_by_entry(args, |x| x[0].powi(n)),
            Op::PowInt => self.entry_by_entry(args, |x| x[0].powi(x[1] as i32)),
            Op::PowIntSlope(order) => self.entry_by_entry(args, |x| slope(x[0], x[1], order)),
            Op::Stumpff(k) => self.entry_by_entry(args, |x| rotations::stumpff(x[0], k)),
            Op::ArcRatio(k) => self.entry_by_entry(args, |x| rotations::arc_ratio(x[0], x[1], k)),
            Op::Compare(comparison) => {
                self.entry_by_entry(args, |x| f64::from(holds(comparison, x[0], x[1])))
            }
            Op::And => self.entry_by_entry(args, |x| x[0] * x[1]),
            Op::Or => self.entry_by_entry(args, |x| x[0].max(x[1])),
            Op::Not => self.entry_by_entry(args, |x| 1.0 - x[0]),
            Op::Select => match self.value(args[0]) {
                Matrix(_) => self.entry_by_entry(args, |x| if x[0] == 1.0 { x[1] } else { x[2] }),
                // A number on one side is expanded over the matrix on the other.
                Number(condition) => match self.value(args[if condition == 1.0 { 1 } else { 2 }]) {
                    Number(x) => match &node.kind.shape {
                        Some(shape) => {
                            let (rows, columns) = self.extents(shape);
                            Matrix(DMatrix::from_element(rows, columns, x))
                        }
                        None => Number(x),
                    },
                    value => value,
                },
            },

            Op::Fill => {
                let value = number(self, 0);
                Matrix(DMatrix::from_element(shape.0, shape.1, value))
            }
            Op::Identity => Matrix(DMatrix::from_fn(shape.0, shape.1, delta)),
            Op::Build => {
                let entries: Vec<f64> = args.iter().map(|a| self.value(*a).number()).collect();
                Matrix(DMatrix::from_vec(shape.0, shape.1, entries))
            }
            Op::Place(position) => Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| {
                self.place(&position, args, (i, j)) as f64
            })),
            Op::Transpose => Matrix(matrix(self, 0).transpose()),
            Op::Part(Part::Gathered(taken, at)) => {
                let whole = matrix(self, 0);
                let (r, c) = self.extents(&taken);
                Matrix(DMatrix::from_fn(r, c, |i, j| {
                    whole[self.gathered(&at, &args[1..], (i, j), whole.nrows())]
                }))
            }
            Op::Scatter(Part::Gathered(_, at)) => {
                let value = matrix(self, 0);
                let mut whole = DMatrix::zeros(shape.0, shape.1);
                for (i, j) in places(value.nrows(), value.ncols()) {
                    let place = self.gathered(&at, &args[1..], (i, j), shape.0);
                    whole[place] += value[(i, j)];
                }
                Matrix(whole)
            }
            Op::Part(part) => {
                let whole = matrix(self, 0);
                let [i, j, r, c] = self.region(&part, whole.shape(), &args[1..]);
                let taken = DMatrix::from_fn(r, c, |k, l| whole[(i + k, j + l)]);
                match part {
                    part if part.is_entry() => Number(taken.sum()),
                    Part::Element(_, shape) => {
                        let (r, c) = self.extents(&shape);
                        Matrix(DMatrix::from_column_slice(r, c, taken.as_slice()))
                    }
                    _ => Matrix(taken),
                }
            }
            Op::Scatter(part) => {
                let value = self.value(args[0]);
                let [i, j, r, c] = self.region(&part, shape, &args[1..]);
                let mut whole = DMatrix::zeros(shape.0, shape.1);
                for (k, l) in places(r, c) {
                    whole[(i + k, j + l)] = value.entries()[k + l * r];
                }
                Matrix(whole)
            }
            Op::Update(part) => {
                let (mut whole, value) = (matrix(self, 0), self.value(args[1]));
                let [i, j, r, c] = self.region(&part, whole.shape(), &args[2..]);
                for (k, l) in places(r, c) {
                    // A number stands for a matrix with that value everywhere.
                    let entries = value.entries();
                    whole[(i + k, j + l)] = entries[if entries.len() == 1 { 0 } else { k + l * r }];
                }
                Matrix(whole)
            }
            Op::Diagonal => {
                let m = matrix(self, 0);
                Matrix(DMatrix::from_fn(shape.0, 1, |i, _| m[(i, i)]))
            }
            Op::FromDiagonal => {
                let d = matrix(self, 0);
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| {
                    if i == j { d[i] } else { 0.0 }
                }))
            }
            Op::Reshape => {
                let m = matrix(self, 0);
                Matrix(DMatrix::from_column_slice(shape.0, shape.1, m.as_slice()))
            }
            Op::StackRows => {
                let rows: Vec<DMatrix<f64>> = (0..args.len()).map(|k| matrix(self, k)).collect();
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| rows[i][j]))
            }
            Op::ScaleRows => {
                let (d, m) = (matrix(self, 0), matrix(self, 1));
                assert_eq!(d.len(), m.nrows());
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| d[i] * m[(i, j)]))
            }
            Op::ScaleColumns => {
                let (m, d) = (matrix(self, 0), matrix(self, 1));
                assert_eq!(d.len(), m.ncols());
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| m[(i, j)] * d[j]))
            }
            Op::Kronecker => {
                let (a, b) = (matrix(self, 0), matrix(self, 1));
                let (r, c) = b.shape();
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| {
                    a[(i / r, j / c)] * b[(i % r, j % c)]
                }))
            }
            Op::CrossMatrix => {
                let a = matrix(self, 0);
                Matrix(DMatrix::from_fn(3, 3, |i, j| match (3 + j - i) % 3 {
                    1 => -a[3 - i - j],
                    2 => a[3 - i - j],
                    _ => 0.0,
                }))
            }
            Op::Each => {
                let m = matrix(self, 0);
                let [symbol, image] = args[1..] else {
                    unreachable!("a map")
                };
                let operand = self.graph.shape(symbol).expect("a matrix");
                let (r, c) = self.extents(&operand);
                let mut columns = Vec::new();
                for column in m.column_iter() {
                    let value = DMatrix::from_iterator(r, c, column.iter().copied());
                    let mut leaves = self.leaves.clone();
                    leaves.insert(symbol, Matrix(value));
                    let image = Interpreter::new(self.graph, &leaves).value(image);
                    columns.extend_from_slice(image.entries());
                }
                Matrix(DMatrix::from_vec(shape.0, shape.1, columns))
            }
            Op::SpreadRows => {
                let row = matrix(self, 0);
                Matrix(DMatrix::from_fn(shape.0, shape.1, |_, j| row[j]))
            }
            Op::SpreadColumns => {
                let column = matrix(self, 0);
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, _| column[i]))
            }

            Op::Sum | Op::Total => Number(sum(&matrix(self, 0))),
            Op::Fold => {
                let start = number(self, 1);
                Number(matrix(self, 0).iter().fold(start, |s, x| s + x))
            }
            Op::Mean => Number(mean(matrix(self, 0).as_slice())),
            Op::Trace => {
                let m = matrix(self, 0);
                Number((0..m.nrows()).map(|i| m[(i, i)]).sum())
            }
            Op::RowSum => {
                let m = matrix(self, 0);
                Matrix(DMatrix::from_fn(1, m.ncols(), |_, j| {
                    m.column(j).iter().sum()
                }))
            }
            Op::ColumnSum => {
                let m = matrix(self, 0);
                Matrix(DMatrix::from_fn(m.nrows(), 1, |i, _| m.row(i).iter().sum()))
            }
            Op::RowMean => {
                let m = matrix(self, 0);
                Matrix(DMatrix::from_fn(1, m.ncols(), |_, j| {
                    mean(m.column(j).as_slice())
                }))
            }
            Op::ColumnMean => {
                let m = matrix(self, 0).transpose();
                Matrix(DMatrix::from_fn(m.ncols(), 1, |i, _| {
                    mean(m.column(i).as_slice())
                }))
            }
            Op::Variance => {
                let m = matrix(self, 0);
                let centre = mean(m.as_slice());
                Number(mean(m.map(|x| (x - centre) * (x - centre)).as_slice()))
            }
            Op::Dot => Number(inner(&matrix(self, 0), &matrix(self, 1))),
            Op::TrDot => Number(inner(&matrix(self, 0).transpose(), &matrix(self, 1))),
            Op::Norm => Number(norm(&matrix(self, 0))),
            Op::NormSquared => {
                let m = matrix(self, 0);
                Number(inner(&m, &m))
            }
            Op::Normalize | Op::TryNormalize(_) => {
                let m = matrix(self, 0);
                let length = norm(&m);
                Matrix(m.map(|x| x / length))
            }
            Op::Distance => Number(norm(&(matrix(self, 0) - matrix(self, 1)))),
            Op::Angle => {
                let (a, b) = (matrix(self, 0), matrix(self, 1));
                Number((inner(&a, &b) / (norm(&a) * norm(&b))).acos())
            }
            Op::Extreme(extreme) => {
                let m = matrix(self, 0);
                let value = selected(extreme, &m).map_or(0.0, |place| m[place]);
                let absolute = matches!(extreme, Extreme::AbsMax | Extreme::AbsMin);
                Number(if absolute { value.abs() } else { value })
            }

            Op::MatMul => Matrix(product(&matrix(self, 0), &matrix(self, 1))),
            Op::TrMul | Op::ProductTn => {
                Matrix(product(&matrix(self, 0).transpose(), &matrix(self, 1)))
            }
            Op::ProductNt => Matrix(product(&matrix(self, 0), &matrix(self, 1).transpose())),
            Op::Cross => {
                let (a, b) = (matrix(self, 0), matrix(self, 1));
                let entry = |i: usize| {
                    let (j, k) = ((i + 1) % 3, (i + 2) % 3);
                    a[j] * b[k] - a[k] * b[j]
                };
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| entry(i + j)))
            }

            Op::Inverse(_) | Op::LuInverse(_) => Matrix(inverse(&matrix(self, 0))),
            Op::InverseTranspose => Matrix(inverse(&matrix(self, 0)).transpose()),
            Op::Determinant | Op::LuDeterminant => Number(determinant(&matrix(self, 0))),
            Op::Cofactors => Matrix(cofactors(&matrix(self, 0))),
            Op::CofactorsTangent => {
                let directions: Vec<_> = (1..args.len()).map(|k| matrix(self, k)).collect();
                Matrix(cofactors_along(&matrix(self, 0), &directions))
            }
            Op::Lu | Op::Cholesky(_) => self.value(args[0]),
            Op::LuSolve(_) => Matrix(product(&inverse(&matrix(self, 0)), &matrix(self, 1))),
            Op::LuTrSolve => Matrix(product(
                &inverse(&matrix(self, 0)).transpose(),
                &matrix(self, 1),
            )),
            Op::CholeskySolve => {
                let inverse = inverse(&symmetric(self));
                Matrix(product(&inverse, &matrix(self, 1)))
            }
            Op::CholeskyInverse => Matrix(inverse(&symmetric(self))),
            Op::CholeskyDeterminant => Number(determinant(&symmetric(self))),
            Op::CholeskyLnDeterminant => Number(determinant(&symmetric(self)).ln()),
            Op::CholeskyFactor => Matrix(cholesky_factor(&matrix(self, 0))),
            Op::CholeskyTangent => Matrix(cholesky_tangent(&matrix(self, 0), &matrix(self, 1))),
            Op::CholeskyAdjoint => Matrix(cholesky_adjoint(&matrix(self, 0), &matrix(self, 1))),
            Op::SymmetricFromLower => Matrix(from_lower(&matrix(self, 0))),
            Op::FoldLower => Matrix(fold_lower(&matrix(self, 0))),

            Op::QuaternionProduct => Matrix(rotations::product(&matrix(self, 0), &matrix(self, 1))),
            Op::QuaternionConjugate => Matrix(rotations::conjugate(&matrix(self, 0))),
            Op::QuaternionRotate => Matrix(rotations::rotate(&matrix(self, 0), &matrix(self, 1))),
            Op::QuaternionMatrix => Matrix(rotations::matrix(&matrix(self, 0))),
            Op::QuaternionExp => Matrix(rotations::quaternion_exp(&matrix(self, 0))),
            Op::QuaternionLog => Matrix(rotations::quaternion_log(&matrix(self, 0))),
            Op::RotationExp => Matrix(rotations::rotation_exp(&matrix(self, 0))),
            Op::RotationLog => Matrix(rotations::rotation_log(&matrix(self, 0))),
            Op::RotationAngle => Number(rotations::rotation_angle(&matrix(self, 0))),
            Op::RotationAbout => {
                let angle = self.value(args[1]).number();
                Matrix(rotations::about(&matrix(self, 0), angle))
            }
            Op::Axial => Matrix(rotations::axial(&matrix(self, 0))),

            Op::Stop => self.value(args[0]),
            Op::Call(_)
            | Op::CallTangent
            | Op::CallAdjoint(_)
            | Op::CallAdjointTangent(_)
            | Op::Absent
            | Op::Apply(..)
            | Op::Loop(_)
            | Op::Item(_) => panic!("a call has no meaning here"),
            Op::LowerTriangle => {
                let m = matrix(self, 0);
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| {
                    if i < j { 0.0 } else { m[(i, j)] }
                }))
            }
            Op::UpperTriangle => {
                let m = matrix(self, 0);
                Matrix(DMatrix::from_fn(shape.0, shape.1, |i, j| {
                    if i > j { 0.0 } else { m[(i, j)] }
                }))
            }
            Op::SolveTriangular {
                upper, transposed, ..
            } => {
                let mut m = matrix(self, 0);
                for i in 0..m.nrows() {
                    let others = if upper { 0..i } else { i + 1..m.ncols() };
                    others.for_each(|j| m[(i, j)] = 0.0);
                }
                let m = if transposed { m.transpose() } else { m };
                Matrix(product(&inverse(&m), &matrix(self, 1)))
            }
        }
    }

    fn entry_by_entry(&mut self, args: &[Id], f: impl Fn(&[f64]) -> f64) -> Value {
        let values: Vec<Value> = args.iter().map(|a| self.value(*a)).collect();
        entrywise(&values.iter().collect::<Vec<_>>(), f)
    }
}

/// A function of entries, numbers being the same for all of them.
pub fn entrywise(args: &[&Value], f: impl Fn(&[f64]) -> f64) -> Value {
    let shape = args
        .iter()
        .filter_map(|a| a.shape())
        .reduce(|known, shape| {
            assert_eq!(known, shape, "matrices of one operation entry by entry");
            known
        });
    let at = |place: Option<(usize, usize)>| -> f64 {
        let entry = |a: &&Value| match (a, place) {
            (Value::Matrix(m), Some(place)) => m[place],
            _ => a.number(),
        };
        f(&args.iter().map(entry).collect::<Vec<_>>())
    };
    match shape {
        Some((r, c)) => Value::Matrix(DMatrix::from_fn(r, c, |i, j| at(Some((i, j))))),
        None => Value::Number(at(None)),
    }
}

fn scalar(function: Scalar, x: &[f64]) -> f64 {
    let arg = x[0];
    match function {
        Scalar::Add => arg + x[1],
        Scalar::Sub => arg - x[1],
        Scalar::Mul => arg * x[1],
        Scalar::Div => arg / x[1],
        Scalar::Neg => -arg,
        Scalar::Recip => 1.0 / arg,
        Scalar::MulAdd => arg * x[1] + x[2],
        Scalar::Sin => arg.sin(),
        Scalar::Cos => arg.cos(),
        Scalar::Tan => arg.tan(),
        Scalar::Asin => arg.asin(),
        Scalar::Acos => arg.acos(),
        Scalar::Atan => arg.atan(),
        Scalar::Sinh => arg.sinh(),
        Scalar::Cosh => arg.cosh(),
        Scalar::Tanh => arg.tanh(),
        Scalar::Asinh => arg.asinh(),
        Scalar::Acosh => arg.acosh(),
        Scalar::Atanh => arg.atanh(),
        Scalar::Exp => arg.exp(),
        Scalar::Exp2 => arg.exp2(),
        Scalar::ExpM1 => arg.exp_m1(),
        Scalar::Ln => arg.ln(),
        Scalar::Ln1p => arg.ln_1p(),
        Scalar::Log2 => arg.log2(),
        Scalar::Log10 => arg.log10(),
        Scalar::Log => arg.ln() / x[1].ln(),
        Scalar::Sinc => rotations::stumpff(arg * arg, 1),
        Scalar::Sqrt => arg.sqrt(),
        Scalar::Cbrt => arg.cbrt(),
        Scalar::Powf => arg.powf(x[1]),
        Scalar::Hypot => arg.hypot(x[1]),
        Scalar::Atan2 => arg.atan2(x[1]),
        Scalar::Abs => arg.abs(),
        Scalar::Sign => f64::from(arg > 0.0) - f64::from(arg < 0.0),
        Scalar::RecipOrZero => {
            if arg == 0.0 {
                0.0
            } else {
                1.0 / arg
            }
        }
        Scalar::Signum => arg.signum(),
        Scalar::Floor => arg.floor(),
        Scalar::Ceil => arg.ceil(),
        Scalar::Round => arg.round(),
        Scalar::RoundTiesEven => arg.round_ties_even(),
        Scalar::Trunc => arg.trunc(),
        Scalar::Fract => arg.fract(),
        Scalar::CopySign => arg.copysign(x[1]),
        Scalar::Rem => arg % x[1],
        Scalar::RemEuclid => arg.rem_euclid(x[1]),
        Scalar::DivEuclid => arg.div_euclid(x[1]),
        Scalar::ToRadians => arg.to_radians(),
        Scalar::ToDegrees => arg.to_degrees(),
        Scalar::Midpoint => arg.midpoint(x[1]),
        Scalar::Max => arg.max(x[1]),
        Scalar::Min => arg.min(x[1]),
        Scalar::Clamp => arg.clamp(x[1], x[2]),
    }
}

/// n (n − 1) … xⁿ⁻ᵒʳᵈᵉʳ, and 0 where a factor is.
fn slope(x: f64, n: f64, order: u32) -> f64 {
    let factor: f64 = (0..order).map(|k| n - f64::from(k)).product();
    if factor == 0.0 {
        0.0
    } else {
        factor * x.powi((n as i32).saturating_sub(order as i32))
    }
}

fn holds(comparison: Comparison, a: f64, b: f64) -> bool {
    match comparison {
        Comparison::Lt => a < b,
        Comparison::Le => a <= b,
        Comparison::Gt => a > b,
        Comparison::Ge => a >= b,
        Comparison::Eq => a == b,
        Comparison::Ne => a != b,
    }
}

/// The first entry, column by column, that none exceeds.
fn selected(extreme: Extreme, m: &DMatrix<f64>) -> Option<(usize, usize)> {
    let key = |place: &(usize, usize)| match extreme {
        Extreme::Max => m[*place],
        Extreme::Min => -m[*place],
        Extreme::AbsMax => m[*place].abs(),
        Extreme::AbsMin => -m[*place].abs(),
    };
    places(m.nrows(), m.ncols()).reduce(|best, place| {
        if key(&place) > key(&best) {
            place
        } else {
            best
        }
    })
}

fn places(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).flat_map(move |j| (0..rows).map(move |i| (i, j)))
}

fn delta(i: usize, j: usize) -> f64 {
    f64::from(u8::from(i == j))
}

fn sum(m: &DMatrix<f64>) -> f64 {
    m.iter().sum()
}

/// As nalgebra has it, the mean of nothing is 0.
fn mean(entries: &[f64]) -> f64 {
    if entries.is_empty() {
        0.0
    } else {
        entries.iter().sum::<f64>() / entries.len() as f64
    }
}

fn inner(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.iter().zip(b.iter()).map(|(a, b)| a * b).sum()
}

fn norm(m: &DMatrix<f64>) -> f64 {
    inner(m, m).sqrt()
}

fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    assert_eq!(a.ncols(), b.nrows());
    let entry = |i, j| (0..a.ncols()).map(|k| a[(i, k)] * b[(k, j)]).sum();
    DMatrix::from_fn(a.nrows(), b.ncols(), entry)
}

pub fn determinant(m: &DMatrix<f64>) -> f64 {
    assert!(m.is_square());
    if m.is_empty() {
        return 1.0;
    }
    (0..m.ncols()).map(|j| m[(0, j)] * cofactor(m, 0, j)).sum()
}

fn cofactor(m: &DMatrix<f64>, i: usize, j: usize) -> f64 {
    let sign = if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
    sign * determinant(&m.clone().remove_row(i).remove_column(j))
}

pub fn cofactors(m: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| cofactor(m, i, j))
}

/// The part of det(M + D₁ + D₂ + …) that is linear in each direction: a row at a time.
fn determinant_along(m: &DMatrix<f64>, directions: &[DMatrix<f64>]) -> f64 {
    if m.is_empty() {
        return f64::from(u8::from(directions.is_empty()));
    }
    let minor = |m: &DMatrix<f64>, j| m.clone().remove_row(0).remove_column(j);
    let mut sum = 0.0;
    for j in 0..m.ncols() {
        let sign = if j.is_multiple_of(2) { 1.0 } else { -1.0 };
        let minors: Vec<_> = directions.iter().map(|d| minor(d, j)).collect();
        sum += sign * m[(0, j)] * determinant_along(&minor(m, j), &minors);
        for (k, direction) in directions.iter().enumerate() {
            let mut others = minors.clone();
            others.remove(k);
            sum += sign * direction[(0, j)] * determinant_along(&minor(m, j), &others);
        }
    }
    sum
}

pub fn cofactors_along(m: &DMatrix<f64>, directions: &[DMatrix<f64>]) -> DMatrix<f64> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| {
        let minor = |m: &DMatrix<f64>| m.clone().remove_row(i).remove_column(j);
        let sign = if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * determinant_along(&minor(m), &directions.iter().map(minor).collect::<Vec<_>>())
    })
}

pub fn inverse(m: &DMatrix<f64>) -> DMatrix<f64> {
    cofactors(m).transpose() / determinant(m)
}

pub fn from_lower(m: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| m[(i.max(j), i.min(j))])
}

pub fn fold_lower(m: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => m[(i, i)],
        std::cmp::Ordering::Greater => m[(i, j)] + m[(j, i)],
    })
}

/// Row by row from L Lᵀ = A.
pub fn cholesky_factor(a: &DMatrix<f64>) -> DMatrix<f64> {
    let mut l = DMatrix::zeros(a.nrows(), a.ncols());
    for i in 0..a.nrows() {
        for j in 0..=i {
            let rest = a[(i, j)] - (0..j).map(|k| l[(i, k)] * l[(j, k)]).sum::<f64>();
            l[(i, j)] = if i == j {
                rest.sqrt()
            } else {
                rest / l[(j, j)]
            };
        }
    }
    l
}

/// Row by row from dL Lᵀ + L dLᵀ = dA.
pub fn cholesky_tangent(l: &DMatrix<f64>, da: &DMatrix<f64>) -> DMatrix<f64> {
    let mut dl = DMatrix::zeros(l.nrows(), l.ncols());
    for i in 0..l.nrows() {
        for j in 0..=i {
            let known = |k: usize| dl[(i, k)] * l[(j, k)] + l[(i, k)] * dl[(j, k)];
            let rest = da[(i, j)] - (0..j).map(known).sum::<f64>();
            dl[(i, j)] = if i == j {
                rest / (2.0 * l[(j, j)])
            } else {
                (rest - l[(i, j)] * dl[(j, j)]) / l[(j, j)]
            };
        }
    }
    dl
}

/// The tangents of all unit matrices against the cotangent.
pub fn cholesky_adjoint(l: &DMatrix<f64>, l_bar: &DMatrix<f64>) -> DMatrix<f64> {
    let (rows, columns) = l.shape();
    DMatrix::from_fn(rows, columns, |i, j| {
        let unit = DMatrix::from_fn(rows, columns, |k, l| delta(i, k) * delta(j, l));
        inner(&cholesky_tangent(l, &unit), l_bar)
    })
}
